"""Locating and loading trained person image generators."""

from __future__ import annotations

import os

from gfla_tf.errors import InputError
from gfla_tf.files.names import names_in
from gfla_tf.models.archive import load_network
from gfla_tf.models.person import PersonImageGenerator
from gfla_tf.models.preset_folder import WEIGHTS, is_preset_folder
from gfla_tf.models.presets import PRESETS, preset_weights, shipped_model_path

MODEL_NAME = "model.keras"
"""The file name of the model in a run folder."""


def load_generator(path: str | os.PathLike | None = None) -> PersonImageGenerator:
    """Loads a trained `PersonImageGenerator`.

    Only this class is loaded, from its arguments and weights: a file of another class is rejected before
    Keras reads it.

    Args:
      path: a `.keras` file; a folder that contains one (a run folder, or a folder of `savedmodels/`); a
        folder written by `save_to_preset`; or the name of a preset. None loads the shipped synthetic model.

    Returns:
      The generator with its trained weights.

    Raises:
      InputError: the file is missing, damaged, not a `.keras` file or of another class, or the named preset
        comes without trained weights. The message contains the path.
    """
    if path is not None and path not in PRESETS and is_preset_folder(path):
        return PersonImageGenerator.from_preset(path)
    return load_network(model_file(path), [PersonImageGenerator])


def model_file(path: str | os.PathLike | None = None) -> str:
    """Returns the file that `load_generator` reads the weights from. A path of a file is not checked.

    Raises:
      InputError: a folder that `save_to_preset` did not write and that does not contain exactly one
        `.keras` file, or the name of a preset without trained weights.
    """
    if path is None:
        return os.fspath(shipped_model_path())
    if path in PRESETS:
        return os.fspath(preset_weights(path))
    path = os.fspath(path)
    if is_preset_folder(path):
        return os.path.join(path, WEIGHTS)
    return _find_in_folder(path) if os.path.isdir(path) else path


def _find_in_folder(folder: str) -> str:
    found = [name for name in names_in(folder) if name.endswith(".keras")]
    if MODEL_NAME in found:
        return os.path.join(folder, MODEL_NAME)
    if len(found) == 1:
        return os.path.join(folder, found[0])
    count = f"{len(found)} .keras files: name one of them" if found else "no .keras file"
    raise InputError(f"the model folder {folder!r} contains {count}")
