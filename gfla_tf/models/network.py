"""What the networks share: all weights exist from construction on, whatever the image size."""

import keras

from gfla_tf import ops
from gfla_tf.models import preset_folder


class Network(keras.Model):
    """A `keras.Model` that its own constructor builds: channel counts follow from the arguments, sizes do
    not matter.

    Weights can therefore be counted, loaded and saved before any call. A subclass creates its layers in
    `__init__`, builds them in `_build_layers`, and calls `self.build()` at the end of `__init__`.

    Inputs are taken as they are: every layer casts to its own compute dtype, so flows keep float32 under a
    mixed-precision policy.

    `.keras` files, and folders of `save_to_preset`, hold the same under both Kerases, and each reads the
    other's.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape=None):
        if not self.built:
            self._build_layers()
            self.built = True

    def _build_layers(self):
        raise TypeError(f"{type(self).__name__} must define _build_layers")

    @classmethod
    def from_preset(cls, preset, load_weights=True, **overrides):
        """A network of a named configuration, new and untrained, or one that `save_to_preset` has written.

        Args:
          preset: a name (`gfla_tf.models.PRESETS`), or the path of a folder.
          load_weights: False leaves the weights of a folder unread: the network is new.
          **overrides: arguments of the class that differ from the preset's.

        Raises:
          ValueError: neither a name nor a folder.
          InputError: a folder whose files are missing, damaged or of another network, or whose weights do not
            fit the overrides.
        """
        if preset in cls._preset_names():
            return cls(**{**cls._preset_arguments(preset), **overrides})
        return preset_folder.load(cls, preset, load_weights, overrides)

    def save_to_preset(self, folder, overwrite=False):
        """Writes the network into a folder of KerasHub's form, which `from_preset` reads.

        It holds config.json (class and arguments), model.weights.h5 and metadata.json (versions, parameters).

        Args:
          folder: is made, with the folders above it.
          overwrite: True replaces these files where they are.

        Raises:
          InputError: one of the files is there already, or the folder cannot be written.
        """
        preset_folder.save(self, folder, overwrite)

    @classmethod
    def _preset_names(cls):
        """Of the configurations that this class has by name."""
        return ()

    @classmethod
    def _preset_arguments(cls, name):
        raise TypeError(f"{cls.__name__} must define _preset_arguments")

    def export(self, *args, **kwargs):
        """Keras's `export`; what it writes holds TensorFlow's own operators only."""
        with ops.portable():
            return super().export(*args, **kwargs)

    def get_config(self):
        return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy.name}

    def build_from_config(self, config):
        """Nothing is left to build when a saved model is loaded."""

    def __dir__(self):
        """Without `layers`, so that Keras's savers name every weight by the attributes that hold the parts.

        They look for parts among these names, the two Kerases in opposite order, and would name some by
        `layers` where they come to it first.
        """
        return [name for name in super().__dir__() if name != "layers"]


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
