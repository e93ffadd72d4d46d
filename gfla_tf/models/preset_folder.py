"""Reading and writing networks as preset folders in KerasHub's format.

A preset folder contains config.json (class and constructor arguments), model.weights.h5 and metadata.json
(versions and parameter count).
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import keras

from gfla_tf._version import __version__
from gfla_tf.errors import InputError
from gfla_tf.files import output_folder, write_files
from gfla_tf.files.temporary import check_space
from gfla_tf.models import archive
from gfla_tf.models.archive import CONFIG, WEIGHTS
from gfla_tf.weight_files.write import weights_file_size

METADATA = "metadata.json"


def is_preset_folder(path: str | os.PathLike) -> bool:
    """Returns whether `path` is a folder with a configuration file and a weights file."""
    return all(os.path.isfile(os.path.join(path, name)) for name in (CONFIG, WEIGHTS))


def save(network: keras.Model, folder: str | os.PathLike, overwrite: bool = False) -> None:
    """Writes the arguments and weights of a network; see `Network.save_to_preset`.

    Raises:
      InputError: one of the files exists and `overwrite` is False, or the folder cannot be written.
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
    _check_free(folder, overwrite)
    with tempfile.TemporaryDirectory() as temporary:
        check_space(temporary, weights_file_size(network.get_weights()))
        weights = Path(temporary, WEIGHTS)
        network.save_weights(weights)
        contents = {WEIGHTS: weights.read_bytes(), METADATA: _json(metadata), CONFIG: _json(config)}
    with output_folder(folder):
        write_files({os.path.join(folder, name): data for name, data in contents.items()}, force=overwrite)


def load(
    cls: type[keras.Model],
    folder: str | os.PathLike,
    load_weights: bool = True,
    overrides: dict[str, Any] | None = None,
) -> keras.Model:
    """Loads the network of a preset folder; see `Network.from_preset`.

    The configuration is checked before the network is built: its class must be `cls`, and no other class or
    code is loaded from the folder.

    Raises:
      ValueError: the folder does not exist.
      InputError: a file is missing, damaged or of another network, or the weights do not fit `overrides`.
    """
    folder, overrides = os.fspath(folder), overrides or {}
    if not os.path.isdir(folder):
        names = ", ".join(cls._preset_names())
        presets = f"the presets are {names}" if names else f"{cls.__name__} has no named presets"
        raise ValueError(f"there is no preset {folder!r}: {presets}, and no folder has that path")
    config, weights = os.path.join(folder, CONFIG), os.path.join(folder, WEIGHTS)
    arguments = archive.read_arguments(config, [cls.__name__], _size(weights) if load_weights else None)
    if not load_weights:
        return _build(cls, folder, {**arguments, **overrides})
    network = _build(cls, folder, arguments)
    try:
        network.load_weights(weights)
    except archive.LOADING_FAILS as error:
        raise InputError(
            f"the weights {weights!r} do not fit the network or are damaged: {archive.first_line(error)}"
        ) from error
    return with_overrides(network, folder, overrides)


def with_overrides(network: keras.Model, preset: str, overrides: dict[str, Any]) -> keras.Model:
    """Returns the network with some constructor arguments changed and the same weights.

    Args:
      network: the network with trained weights.
      preset: its name or folder, for error messages.
      overrides: constructor arguments that do not change the shape of any weight.

    Raises:
      InputError: an unknown argument, or the weights do not fit the changed network.
    """
    if not overrides:
        return network
    arguments = network.get_config()
    unknown = [name for name in overrides if name not in arguments]
    if unknown:
        raise InputError(f"{type(network).__name__} has no argument {unknown[0]!r}")
    changed = _build(type(network), preset, {**arguments, **overrides})
    weights = network.get_weights()
    if [weight.shape for weight in weights] != [tuple(variable.shape) for variable in changed.weights]:
        given = ", ".join(f"{name}={value!r}" for name, value in overrides.items())
        raise InputError(
            f"the weights of the preset {preset!r} do not fit {given}: pass load_weights=False for a new "
            "network"
        )
    changed.set_weights(weights)
    return changed


def _build(cls, preset, arguments):
    try:
        return cls.from_config(arguments)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"the preset {preset!r} cannot be built: {archive.first_line(error)}") from error


def _json(values):
    return (json.dumps(values, indent=2) + "\n").encode()


def _size(path):
    with contextlib.suppress(OSError):
        return os.path.getsize(path)
    raise InputError(
        f"the preset has no file {path!r}; pass load_weights=False for a new network with its arguments"
    )


def _check_free(folder, overwrite):
    existing = [name for name in (CONFIG, WEIGHTS, METADATA) if os.path.lexists(os.path.join(folder, name))]
    if existing and not overwrite:
        raise InputError(
            f"the folder {folder!r} contains {existing[0]} already: choose another one, or pass "
            "overwrite=True"
        )
