"""A network as a folder in KerasHub's form: config.json, model.weights.h5 and metadata.json."""

import contextlib
import datetime
import json
import os
import tempfile

import keras

from gfla_tf._version import __version__
from gfla_tf.errors import InputError
from gfla_tf.models import archive

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


def is_preset_folder(path):
    """Whether a path is a folder with a configuration and weights in it."""
    return all(os.path.isfile(os.path.join(path, name)) for name in (CONFIG, WEIGHTS))


def save(network, folder, overwrite=False):
    """Writes a network's arguments and weights; see `Network.save_to_preset`.

    Raises:
      InputError: a file is there already, or the folder cannot be written.
    """
    folder = os.path.abspath(os.fspath(folder))
    config = {
        "module": type(network).__module__,
        "class_name": type(network).__name__,
        "config": network.get_config(),
        "registered_name": keras.saving.get_registered_name(type(network)),
    }
    metadata = {
        "keras_version": keras.__version__,
        "gfla_tf_version": __version__,
        "parameter_count": network.count_params(),
        "date_saved": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as beside:
            network.save_weights(os.path.join(beside, WEIGHTS))
            for name, values in ((CONFIG, config), (METADATA, metadata)):
                with open(os.path.join(beside, name), "w", encoding="utf-8") as file:
                    file.write(json.dumps(values, indent=2) + "\n")
            _check_free(folder, overwrite)
            for name in (WEIGHTS, METADATA, CONFIG):
                os.replace(os.path.join(beside, name), os.path.join(folder, name))
    except OSError as error:
        raise InputError(f"the preset {folder!r} cannot be written: {error.strerror or error}") from error


def load(cls, folder, load_weights=True, overrides=None):
    """The network in a folder; see `Network.from_preset`.

    Its configuration is checked before anything is built, and its class must be `cls`: nothing else in the
    folder has a say.

    Raises:
      ValueError: no such folder.
      InputError: a file is missing, damaged or of another network.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        names = ", ".join(cls._preset_names())
        presets = f"the presets are {names}" if names else f"{cls.__name__} has no named presets"
        raise ValueError(f"there is no preset {folder!r}: {presets}, and there is no folder of that name")
    config, weights = os.path.join(folder, CONFIG), os.path.join(folder, WEIGHTS)
    arguments = archive.read_arguments(config, [cls.__name__], _size(weights) if load_weights else None)
    try:
        network = cls.from_config({**arguments, **(overrides or {})})
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"the preset {folder!r} cannot be built: {archive.first_line(error)}") from error
    if load_weights:
        try:
            network.load_weights(weights)
        except archive.LOADING_FAILS as error:
            raise InputError(
                f"the weights {weights!r} do not fit the network or are damaged: {archive.first_line(error)}"
            ) from error
    return network


def _size(path):
    with contextlib.suppress(OSError):
        return os.path.getsize(path)
    raise InputError(f"the preset lacks {path!r}; pass load_weights=False for a new network of its arguments")


def _check_free(folder, overwrite):
    there = [name for name in (CONFIG, WEIGHTS, METADATA) if os.path.lexists(os.path.join(folder, name))]
    if there and not overwrite:
        raise InputError(
            f"the folder {folder!r} holds {there[0]} already: name another one, or pass overwrite=True"
        )
