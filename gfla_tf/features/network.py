"""A frozen VGG-like stack of 3 x 3 convolutions that gives its rectified activations by name."""

import keras
import numpy as np
import tensorflow as tf


class FeatureNetwork(keras.Model):
    """Blocks of 3 x 3 convolutions with ReLU, between them 2 x 2 max pooling; never trained by a loss.

    The activation after convolution j of block i is called `relu<i>_<j>` and has 1 / 2^(i-1) of the image's
    height and width. No weight is trainable, so a gradient passes through to the image only.

    Args:
      widths: output channels of each block.
      dilations: of each block, the dilation rates of its convolutions, in order.

    `kernels` and `biases` hold the variables by layer name: [3, 3, in, out] and [out].
    """

    def __init__(self, widths, dilations, **kwargs):
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

    def call(self, images):
        """float [B, H, W, 3] in [-1, 1] -> {layer name: activations}, all layers."""
        return self.features(images, self.layer_names)

    def features(self, images, names):
        """The activations of some layers, in one pass that stops at the deepest of them.

        For an image that needs no gradient pass `tf.stop_gradient(images)`, if it is not a constant anyway.

        Args:
          images: float [B, H, W, 3], RGB in [-1, 1].
          names: layer names, in any order.

        Returns:
          {name: float [B, h, w, c] of at least 0}, these names only.

        Raises:
          ValueError: an unknown name, images of another shape, or too small for the deepest layer.
        """
        names = list(dict.fromkeys(names))
        unknown = [name for name in names if name not in self.layer_names]
        if unknown:
            raise ValueError(f"no layer {', '.join(unknown)}; there are {', '.join(self.layer_names)}")
        images = tf.convert_to_tensor(images)
        if images.shape.rank != 4 or images.shape[-1] != 3:
            raise ValueError(f"images must be [B, H, W, 3], got shape {images.shape}")
        least = 2 ** max((block_of(name) - 1 for name in names), default=0)
        if any(size is not None and size < least for size in images.shape[1:3]):
            raise ValueError(
                f"images must be at least {least} x {least} for {', '.join(names)}, got shape {images.shape}"
            )
        wanted = {}
        for name, activation in self._activations(tf.cast(images, self.compute_dtype), names):
            if name in names:
                scale = tf.cast(self.scales[self.layer_names.index(name)], activation.dtype)
                wanted[name] = activation / scale
        return {name: wanted[name] for name in names}

    def _activations(self, images, names):
        """Yields (name, activation) down to the deepest of `names`."""
        remaining = set(names)
        hidden = self.preprocess(images)
        for previous, name in zip((None, *self.layer_names), self.layer_names, strict=False):
            if not remaining:
                return
            if previous and block_of(previous) != block_of(name):
                hidden = tf.nn.max_pool2d(hidden, 2, 2, "VALID")
            kernel = tf.cast(self.kernels[name], hidden.dtype)
            hidden = tf.nn.atrous_conv2d(hidden, kernel, self.dilations[name], "SAME")
            hidden = hidden + tf.cast(self.biases[name], hidden.dtype)
            hidden = tf.nn.relu(hidden)
            remaining.discard(name)
            yield name, hidden

    def preprocess(self, images):
        """From [-1, 1] RGB to what the first convolution reads; the same unless a subclass says otherwise."""
        return images

    def calibrate(self, batches):
        """Makes every layer's mean activation 1 on some images, by the `scales` its features are divided by.

        The scales are weights: they are saved and restored with the others. Cosine similarities, and so the
        sampling correctness loss, do not depend on them; content and style do.

        Args:
          batches: an iterable of float [B, H, W, 3] images in [-1, 1].

        Raises:
          ValueError: no images.
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


def block_of(name):
    """The block a layer belongs to, from 1: its maps have 1 / 2^(block-1) of the image's size."""
    return int(name[len("relu") : name.index("_")])
