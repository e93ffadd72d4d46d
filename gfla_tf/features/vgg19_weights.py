"""Where VGG19's weights come from: a torchvision file, Keras's file, or a seed.

Each function returns {layer name: (kernel [3, 3, in, out], bias [out])} as float32 arrays.
"""

import os

import keras
import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.weight_files import read_weights

_PREFIX = "features."  # of the convolutions' tensors; the classifier, most of the file, is not read
_KERAS_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"


def random(shapes, seed):
    """He-normal kernels of a seed, zero biases. `shapes`: {layer name: kernel shape [3, 3, in, out]}."""
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in shapes.items():
        kernel = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[:3]))
        values[name] = (kernel.astype(np.float32), np.zeros(shape[3], np.float32))
    return values


def from_keras(layer_names):
    """Keras's ImageNet weights (without the classifier), downloaded by Keras unless they are there.

    Raises:
      InputError: they are not there and cannot be downloaded.
    """
    try:
        model = keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails, OSError for a bad file
        folder = os.environ.get("KERAS_HOME", os.path.join(os.path.expanduser("~"), ".keras"))
        raise InputError(
            f"VGG19's ImageNet weights could not be downloaded ({_first_line(error)}): put Keras's file at "
            f"{os.path.join(folder, 'models', _KERAS_FILE)}, or give the path of torchvision's "
            "vgg19-dcbb9e9d.pth as the weights"
        ) from error
    return {
        name: tuple(model.get_layer(name.replace("relu", "block").replace("_", "_conv")).get_weights())
        for name in layer_names
    }


def from_file(path, layer_names, shapes):
    """Torchvision's weights from its `.pth`, or from an `.npz` with the same names and layouts.

    Args:
      path: the file.
      layer_names: the sixteen names, in order.
      shapes: {layer name: kernel shape [3, 3, in, out]}.

    Raises:
      InputError: no such file, another kind of file, PyTorch needed and missing, or tensors missing,
        misshapen or not finite (all of them are listed). Tensors that are not needed are ignored.
    """
    if not os.path.isfile(path):
        raise InputError(
            f"no VGG19 weights at {path}: give torchvision's vgg19-dcbb9e9d.pth, an .npz of the same "
            'tensors, or "imagenet" or "random"'
        )
    tensors = read_weights(path, _PREFIX).tensors
    values, faults = {}, []
    for name, index in zip(layer_names, _torchvision_indices(layer_names), strict=True):
        kernel_shape = shapes[name]
        kernel_name, bias_name = f"features.{index}.weight", f"features.{index}.bias"
        wanted = {kernel_name: (kernel_shape[3], kernel_shape[2], 3, 3), bias_name: (kernel_shape[3],)}
        for tensor_name, shape in wanted.items():
            if tensor_name not in tensors:
                faults.append(f"{tensor_name} is missing")
            elif tuple(tensors[tensor_name].shape) != shape:
                faults.append(f"{tensor_name} is {tuple(tensors[tensor_name].shape)} instead of {shape}")
            elif not np.isfinite(tensors[tensor_name]).all():
                faults.append(f"{tensor_name} holds NaN or infinity")
        if not faults:
            kernel = np.asarray(tensors[kernel_name], np.float32).transpose(2, 3, 1, 0)  # [3, 3, in, out]
            values[name] = (kernel, np.asarray(tensors[bias_name], np.float32))
    if faults:
        raise InputError(f"{path} does not hold VGG19's weights: {'; '.join(faults)}")
    return values


def to_tensors(kernels, biases):
    """{torchvision's name: array} in PyTorch's layouts, of {layer name: variable} each; the inverse of
    `from_file`.
    """
    tensors = {}
    for name, index in zip(kernels, _torchvision_indices(kernels), strict=True):
        tensors[f"{_PREFIX}{index}.weight"] = np.asarray(kernels[name]).transpose(3, 2, 0, 1)
        tensors[f"{_PREFIX}{index}.bias"] = np.asarray(biases[name])
    return tensors


def _torchvision_indices(layer_names):
    """The position of each convolution in torchvision's `features`: ReLUs and pools count too."""
    index, previous, indices = 0, None, []
    for name in layer_names:
        block = name.split("_")[0]
        index += 1 if previous not in (None, block) else 0
        indices.append(index)
        index, previous = index + 2, block
    return indices


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
