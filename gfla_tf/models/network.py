"""What the networks share: all weights exist from construction on, whatever the image size."""

import keras

from gfla_tf import ops


class Network(keras.Model):
    """A `keras.Model` that its own constructor builds: channel counts follow from the arguments, sizes do
    not matter.

    Weights can therefore be counted, loaded and saved before any call. A subclass creates its layers in
    `__init__`, builds them in `_build_layers`, and calls `self.build()` at the end of `__init__`.

    Inputs are taken as they are: every layer casts to its own compute dtype, so flows keep float32 under a
    mixed-precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape=None):
        if not self.built:
            self._build_layers()
            self.built = True

    def _build_layers(self):
        raise TypeError(f"{type(self).__name__} must define _build_layers")

    def export(self, *args, **kwargs):
        """Keras's `export`; what it writes holds TensorFlow's own operators only."""
        with ops.portable():
            return super().export(*args, **kwargs)

    def build_from_config(self, config):
        """Nothing is left to build when a saved model is loaded."""


def levels(attention_layers):
    """Attention layers from coarse to fine, {layer: n} -> ((layer, n), ...), checked.

    Raises:
      ValueError: a layer below 1, or a patch size that is not a positive odd int.
    """
    pairs = sorted(((int(layer), int(n)) for layer, n in dict(attention_layers).items()), reverse=True)
    for layer, n in pairs:
        if layer < 1 or n < 1 or n % 2 == 0:
            raise ValueError(
                f"attention_layers maps layers (1, 2, ...) to odd patch sizes, got {attention_layers}"
            )
    return tuple(pairs)


def width_at(layer, width, max_width):
    """Channels after `layer` down-samplings: width, doubling a layer, to at most max_width."""
    return min(width * 2 ** (layer - 1), max_width)


def check_size(image, multiple, name):
    """Raises ValueError where a known height or width is not a multiple of `multiple`."""
    height, width = image.shape[1:3]
    if (height or 0) % multiple or (width or 0) % multiple:
        raise ValueError(f"{name} must have height and width divisible by {multiple}, got {image.shape}")
