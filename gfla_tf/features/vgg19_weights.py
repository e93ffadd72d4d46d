"""The weights of VGG19: from a torchvision file, from Keras, or random.

Each function returns {layer name: (kernel [3, 3, in, out], bias [out])} as float32 arrays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import keras
import numpy as np

from gfla_tf import _compat
from gfla_tf.errors import InputError
from gfla_tf.weight_files import read_weights

Weights = dict[str, tuple[np.ndarray, np.ndarray]]
Shapes = Mapping[str, tuple[int, ...]]

_PREFIX = "features."  # prefix of the convolutions' tensors; the classifier, most of the file, is not read
_KERAS_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"


def random(shapes: Shapes, seed: int) -> Weights:
    """Returns He-normal kernels and zero biases.

    Args:
      shapes: {layer name: kernel shape [3, 3, in, out]}.
      seed: seed of the kernels.
    """
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in shapes.items():
        kernel = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[:3]))
        values[name] = (kernel.astype(np.float32), np.zeros(shape[3], np.float32))
    return values


def from_keras(layer_names: Iterable[str]) -> Weights:
    """Returns Keras's ImageNet weights without the classifier, downloaded by Keras if they are not cached.

    Raises:
      InputError: the download failed.
    """
    try:
        with _compat.dtype_policy("float32"):
            model = keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails, OSError for a bad file
        folder = os.environ.get("KERAS_HOME", os.path.join(os.path.expanduser("~"), ".keras"))
        raise InputError(
            f"VGG19's ImageNet weights could not be downloaded ({_first_line(error)}): save Keras's file as "
            f"{os.path.join(folder, 'models', _KERAS_FILE)}, or give the path of torchvision's "
            "vgg19-dcbb9e9d.pth as `weights`"
        ) from error
    return {
        name: tuple(model.get_layer(name.replace("relu", "block").replace("_", "_conv")).get_weights())
        for name in layer_names
    }


def from_file(path: str, layer_names: Iterable[str], shapes: Shapes) -> Weights:
    """Reads torchvision's weights from its `.pth` file, or an `.npz` file with the same names and layouts.

    Other tensors in the file are ignored.

    Args:
      path: the file.
      layer_names: the sixteen layer names, in order.
      shapes: {layer name: kernel shape [3, 3, in, out]}.

    Raises:
      InputError: the file does not exist or has another format, PyTorch is required and not installed, or
        tensors are missing, misshapen or not finite; the message lists all of them.
    """
    if not os.path.isfile(path):
        raise InputError(
            f"no VGG19 weights at {path}: give torchvision's vgg19-dcbb9e9d.pth, an .npz of the same "
            'tensors, or "imagenet" or "random"'
        )
    tensors = read_weights(path, _PREFIX).tensors
    values, problems = {}, []
    for name, index in zip(layer_names, _torchvision_indices(layer_names), strict=True):
        kernel_shape = shapes[name]
        kernel_name, bias_name = f"features.{index}.weight", f"features.{index}.bias"
        expected = {kernel_name: (kernel_shape[3], kernel_shape[2], 3, 3), bias_name: (kernel_shape[3],)}
        for tensor_name, shape in expected.items():
            if tensor_name not in tensors:
                problems.append(f"{tensor_name} is missing")
            elif tuple(tensors[tensor_name].shape) != shape:
                problems.append(f"{tensor_name} is {tuple(tensors[tensor_name].shape)} instead of {shape}")
            elif not np.isfinite(tensors[tensor_name]).all():
                problems.append(f"{tensor_name} contains NaN or infinity")
        if not problems:
            kernel = np.asarray(tensors[kernel_name], np.float32).transpose(2, 3, 1, 0)  # [3, 3, in, out]
            values[name] = (kernel, np.asarray(tensors[bias_name], np.float32))
    if problems:
        raise InputError(f"{path} does not contain VGG19's weights: {'; '.join(problems)}")
    return values


def to_tensors(
    kernels: Mapping[str, keras.Variable], biases: Mapping[str, keras.Variable]
) -> dict[str, np.ndarray]:
    """Converts the variables {layer name: variable} to torchvision's names and PyTorch's layouts.

    This is the inverse of `from_file`.
    """
    tensors = {}
    for name, index in zip(kernels, _torchvision_indices(kernels), strict=True):
        tensors[f"{_PREFIX}{index}.weight"] = np.asarray(kernels[name]).transpose(3, 2, 0, 1)
        tensors[f"{_PREFIX}{index}.bias"] = np.asarray(biases[name])
    return tensors


def _torchvision_indices(layer_names):
    """The index of each convolution in torchvision's `features`, which also contains ReLUs and poolings."""
    index, previous, indices = 0, None, []
    for name in layer_names:
        block = name.split("_")[0]
        index += 1 if previous not in (None, block) else 0
        indices.append(index)
        index, previous = index + 2, block
    return indices


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
