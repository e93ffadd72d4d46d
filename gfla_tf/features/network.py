"""The base class of the frozen feature networks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.images.scaling import scale_images
from gfla_tf.ops.checks import TensorLike
from gfla_tf.weight_files.keras_weights import check_weights


class FeatureNetwork(keras.Model):
    """Blocks of 3 x 3 convolutions with ReLU, separated by 2 x 2 max pooling, without trainable weights.

    The activation after convolution j of block i is named `relu<i>_<j>` and has 1 / 2^(i-1) of the height and
    width of the image.

    Args:
      widths: number of output channels of each block.
      dilations: for each block, the dilation rates of its convolutions.

    Attributes:
      layer_names: names of all activations, in order.
      kernels: {layer name: variable [3, 3, in, out]}.
      biases: {layer name: variable [out]}.
    """

    def __init__(self, widths: Sequence[int], dilations: Sequence[Sequence[int]], **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(trainable=False, **kwargs)
        self.dilations = {
            f"relu{block}_{conv}": rate
            for block, rates in enumerate(dilations, 1)
            for conv, rate in enumerate(rates, 1)
        }
        self.layer_names = tuple(self.dilations)
        self.kernels, self.biases = {}, {}
        channels = 3
        for name in self.layer_names:
            width = widths[block_of(name) - 1]
            conv = name.replace("relu", "conv")
            self.kernels[name] = self._constant(f"{conv}_kernel", [3, 3, channels, width], "zeros")
            self.biases[name] = self._constant(f"{conv}_bias", [width], "zeros")
            channels = width
        self.scales = self._constant("scales", [len(self.layer_names)], "ones")
        self.built = True

    def _constant(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

    def load_weights(self, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> Any:
        """Loads weights as `keras.Model.load_weights` does, from files that may be damaged or malicious.

        Raises:
          InputError: the file is not a `.h5` file, is damaged, or is out of proportion to the network.
        """
        check_weights(filepath, self)
        return super().load_weights(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": _compat.policy_config(self.dtype_policy)}

    def call(self, images: TensorLike) -> dict[str, tf.Tensor]:
        """Returns {layer name: activations} of all layers; see `features`."""
        return self.features(images, self.layer_names)

    def features(self, images: TensorLike, names: Iterable[str]) -> dict[str, tf.Tensor]:
        """Computes the activations of some layers. Layers after the last of them are not computed.

        The gradient of the images can be suppressed with `tf.stop_gradient(images)`.

        Args:
          images: [B, H, W, 3] RGB, uint8 in [0, 255] or float in [-1, 1].
          names: layer names, in any order.

        Returns:
          {name: non-negative float [B, h, w, c]} for these names.

        Raises:
          ValueError: an unknown name, or images of another shape or dtype or too small for one of the layers.
        """
        names = list(dict.fromkeys(names))
        unknown = [name for name in names if name not in self.layer_names]
        if unknown:
            raise ValueError(
                f"unknown layer {', '.join(unknown)}; the layers are {', '.join(self.layer_names)}"
            )
        images = scale_images(images, check_floats=False)  # normalized images are outside [-1, 1]
        if images.shape.rank != 4 or images.shape[-1] != 3:
            raise ValueError(f"images must be [B, H, W, 3], got shape {images.shape}")
        least = 2 ** max((block_of(name) - 1 for name in names), default=0)
        if any(size is not None and size < least for size in images.shape[1:3]):
            raise ValueError(
                f"images must be at least {least} x {least} for {', '.join(names)}, got shape {images.shape}"
            )
        found = dict(self._activations(tf.cast(images, self.compute_dtype), names))
        return {name: found[name] for name in names}

    def _activations(self, images: tf.Tensor, names: list[str]) -> Iterator[tuple[str, tf.Tensor]]:
        """Yields (name, activation) up to the last of `names`; those of `names` are divided by their scale.

        The scales are positive, so they are applied to kernels and biases, which are smaller: the input of a
        convolution is already divided by `before`, and its output has to be divided by `scale`.
        """
        remaining = set(names)
        hidden = self.preprocess(images)
        before = scale = 1.0
        for previous, name in zip((None, *self.layer_names), self.layer_names, strict=False):
            if not remaining:
                return
            if previous and block_of(previous) != block_of(name):
                hidden = tf.nn.max_pool2d(hidden, 2, 2, "VALID")
            kernel, bias = (tf.convert_to_tensor(of[name]) for of in (self.kernels, self.biases))
            if name in remaining:
                scale = tf.cast(self.scales[self.layer_names.index(name)], kernel.dtype)
                kernel = kernel * (before / scale)
            kernel, bias = (tf.cast(weight, hidden.dtype) for weight in (kernel, bias / scale))
            before = scale
            hidden = tf.nn.atrous_conv2d(hidden, kernel, self.dilations[name], "SAME")
            hidden = tf.nn.relu(tf.nn.bias_add(hidden, bias))
            remaining.discard(name)
            yield name, hidden

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """Converts RGB images in [-1, 1] to the input of the first convolution; here the identity."""
        return images

    def calibrate(self, batches: Iterable[TensorLike]) -> None:
        """Sets the `scales` that divide the features so that the mean activation of each layer is 1.

        The scales are saved and loaded with the other weights. The sampling correctness loss does not depend
        on them, because cosine similarities do not; the content and style losses do.

        Args:
          batches: images as for `features`.

        Raises:
          ValueError: `batches` is empty.
        """
        self.scales.assign(np.ones(len(self.layer_names), np.float32))
        means = []
        for images in batches:
            features = self.features(images, self.layer_names)
            means.append([float(tf.reduce_mean(features[name])) for name in self.layer_names])
        if not means:
            raise ValueError("calibrate needs at least one batch of images, got none")
        measured = np.mean(means, axis=0)
        self.scales.assign(np.where(measured > 0, measured, 1.0).astype(np.float32))


def block_of(name: str) -> int:
    """Returns the index of a layer's block, from 1. Its maps have 1 / 2^(block-1) of the image's size."""
    return int(name[len("relu") : name.index("_")])
