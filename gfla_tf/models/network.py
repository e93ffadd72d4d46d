"""The base class of the networks, and the functions on levels and sizes that they share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, ops
from gfla_tf.errors import InputError
from gfla_tf.models import archive, preset_folder
from gfla_tf.models.network_arguments import check_base_arguments
from gfla_tf.models.repeated_calls import RepeatedCalls
from gfla_tf.weight_files.keras_weights import check_shards, check_weights


class Network(keras.Model):
    """A `keras.Model` whose weights exist after construction, before any call.

    The channel counts follow from the constructor arguments and the weights do not depend on the image size,
    so weights can be counted, loaded and saved without a call. A subclass creates its layers in `__init__`,
    builds them in `_build_layers`, and calls `self.build()` at the end of `__init__`.

    Keras does not cast the inputs: each layer casts to its own compute dtype, so flows stay float32 under a
    mixed-precision policy.

    `.keras` files and preset folders have the same content under Keras 2 and Keras 3, and each version reads
    files written by the other.
    """

    def __init__(self, **kwargs):
        check_base_arguments(kwargs)
        super().__init__(autocast=False, **kwargs)
        self._repeated_calls = RepeatedCalls()

    def build(self, input_shape: Any = None) -> None:
        if not self.built:
            self._build_layers()
            self.built = True

    def _build_layers(self):
        raise TypeError(f"{type(self).__name__} must define _build_layers")

    @classmethod
    def from_preset(cls, preset: str | os.PathLike, load_weights: bool = True, **overrides: Any) -> Network:
        """Creates a network from a named preset or from a folder that `save_to_preset` wrote.

        Args:
          preset: a name in `gfla_tf.models.PRESETS`, or the path of a folder.
          load_weights: whether to load the trained weights. If False, the network is new: it has the
            arguments of the preset and initial weights.
          **overrides: constructor arguments that differ from those of the preset. With
            `load_weights=True` they must not change the shape of any weight.

        Returns:
          A network of this class.

        Raises:
          ValueError: `preset` is neither a name nor a folder.
          InputError: no trained weights of the named preset come with gfla_tf; the files in the folder are
            missing, damaged or of another network; or the weights do not fit the overrides.
        """
        if preset not in cls._preset_names():
            return preset_folder.load(cls, preset, load_weights, overrides)
        if not load_weights:
            return cls(**{**cls._preset_arguments(preset), **overrides})
        network = archive.load_network(cls._preset_weights(preset), [cls])
        return preset_folder.with_overrides(network, preset, overrides)

    def save_to_preset(self, folder: str | os.PathLike, overwrite: bool = False) -> None:
        """Writes the network as a preset folder in KerasHub's format, which `from_preset` reads.

        The folder contains config.json (class and arguments), model.weights.h5 and metadata.json (versions,
        parameter count).

        Args:
          folder: output folder; it is created together with its parents.
          overwrite: whether to overwrite existing files of these names.

        Raises:
          InputError: one of the files exists and `overwrite` is False, or the folder cannot be written.
        """
        preset_folder.save(self, folder, overwrite)

    @classmethod
    def _preset_names(cls):
        """Returns the names of the presets of this class."""
        return ()

    @classmethod
    def _preset_arguments(cls, name):
        """Returns the constructor arguments of a named preset."""
        raise TypeError(f"{cls.__name__} must define _preset_arguments")

    @classmethod
    def _preset_weights(cls, name):
        """Returns the path of the `.keras` file with the trained weights of a named preset."""
        raise InputError(
            f"no trained weights of {cls.__name__} come with gfla_tf: convert released ones with "
            "`gfla convert`, or pass load_weights=False for a new network"
        )

    def infer(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Calls a method of the network, as a graph if it is repeated with the same shapes.

        The first calls are eager, because tracing a graph takes longer than a few of them; see
        `gfla_tf.models.repeated_calls`. Graphs do not check the ranges of images and pose maps.

        Example:

        ```python
        import tensorflow as tf

        from gfla_tf.models import ResDiscriminator

        d = ResDiscriminator(num_blocks=3)
        for image in tf.zeros([10, 1, 32, 32, 3]):
            logits = d.infer("__call__", image)
        ```

        Args:
          method: the name of the method, "__call__" for the call.
          *arguments: tensors and arrays, and lists and dicts of them.
          **options: the method's other arguments.

        Returns:
          The result of the method, tensors.
        """
        return self._repeated_calls(method, getattr(self, method), *arguments, **options)

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: list[Any] | None = None,
    ) -> None:
        """Exports the call as a SavedModel for any batch size and image size, whether or not it was called.

        The graph contains TensorFlow's own operators only. The endpoint `serve` takes the inputs of the call,
        as a dict if there are several, with float images, and returns its result; lists and tuples are
        returned as `named_outputs`, because Keras does not export them. `gfla_tf.export` has more formats:
        SavedModels that read encoded images and keypoints, TFLite, ONNX.

        Args:
          filepath: output folder.
          format: must be "tf_saved_model".
          verbose: whether to print the endpoint.
          input_signature: the `tf.TensorSpec`s of the call's argument, in a list; by default, those of any
            batch size and image size.

        Raises:
          ValueError: another format.
        """
        if format != "tf_saved_model":
            raise ValueError(f"export writes a tf_saved_model, got format={format!r}")
        archive = keras.export.ExportArchive()
        archive.track(self)
        with ops.portable():
            archive.add_endpoint("serve", self._serve, input_signature or [self._signature()])
            _compat.write_archive(archive, os.fspath(filepath), verbose=bool(verbose))

    def _signature(self):
        """Returns the `tf.TensorSpec`s of the inputs, for `export`."""
        raise TypeError(f"{type(self).__name__} must define _signature")

    def _serve(self, inputs):
        """Returns the exported outputs: a tensor, or a dict of tensors."""
        return self(inputs)

    @staticmethod
    def named_outputs(outputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """Replaces the lists in a dict of outputs: "flows" by "flow_0" (coarse), "flow_1", and so on."""
        lists = {name: value for name, value in outputs.items() if isinstance(value, (list, tuple))}
        named = {name: value for name, value in outputs.items() if name not in lists}
        for name, values in lists.items():
            named.update({f"{name.removesuffix('s')}_{i}": value for i, value in enumerate(values)})
        return named

    def load_weights(self, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> Any:
        """Loads weights as `keras.Model.load_weights` does, from files that may be damaged or malicious.

        Raises:
          InputError: a `.h5`, `.hdf5` or `.keras` file, or one of those of a `.weights.json` file, is
            damaged or out of proportion to the network.
        """
        with contextlib.ExitStack() as stack:
            what = None
            if os.fspath(filepath).endswith(".keras"):
                what = f"{archive.WEIGHTS} of {os.fspath(filepath)!r}"
                filepath = stack.enter_context(archive.extracted_weights(filepath, self))
            if os.fspath(filepath).endswith((".h5", ".hdf5")):
                check_weights(filepath, self, what)
            elif os.fspath(filepath).endswith(".weights.json"):
                check_shards(filepath, self)
            return super().load_weights(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": _compat.policy_config(self.dtype_policy),
        }

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Does nothing: the constructor has built all layers."""

    def __dir__(self):
        """Omits `layers`, so that Keras saves every weight under the attribute that holds its layer.

        Keras's savers look for layers among these names, Keras 2 and Keras 3 in opposite order, and would
        name some weights by `layers` if they came to it first.
        """
        return [name for name in super().__dir__() if name != "layers"]


def build_sequence(blocks: Iterable[keras.layers.Layer], channels: int) -> int:
    """Builds blocks that follow each other, the first on `channels` channels; returns the last one's."""
    for block in blocks:
        block.build((None, None, None, channels))
        channels = block.filters
    return channels


def check_size(image: tf.Tensor, multiple: int, name: str) -> None:
    """Raises ValueError if a statically known height or width is not a multiple of `multiple`."""
    height, width = image.shape[1:3]
    if (height or 0) % multiple or (width or 0) % multiple:
        raise ValueError(f"{name} must have height and width divisible by {multiple}, got {image.shape}")


def map_spec(channels: int, name: str) -> tf.TensorSpec:
    """Returns the spec of float32 maps [B, H, W, channels] of any batch size and image size."""
    return tf.TensorSpec([None, None, None, channels], tf.float32, name)
