"""Finding and loading a trained person image generator."""

from __future__ import annotations

import os

from gfla_tf import models
from gfla_tf.errors import InputError
from gfla_tf.models.archive import load_network
from gfla_tf.models.preset_folder import WEIGHTS, is_preset_folder

MODEL_NAME = "model.keras"
"""What a run folder calls its model; another folder may hold one `.keras` file of any name."""


def load_generator(path=None) -> models.PersonImageGenerator:
    """Loads a `PersonImageGenerator`.

    Only that class is loaded, from its arguments and weights: a file of another kind is refused before Keras
    reads it.

    Args:
      path: a `.keras` file, or a folder: one that holds such a file (a run folder, or one of
        `savedmodels/`), or one of `save_to_preset`; None: the shipped synthetic model.

    Raises:
      InputError: missing, not a `.keras` file, another model, or damaged; the sentence names the file.
    """
    if path is not None and is_preset_folder(path):
        return models.PersonImageGenerator.from_preset(path)
    return load_network(model_file(path), [models.PersonImageGenerator])


def model_file(path=None) -> str:
    """The file whose weights `load_generator` reads for this path; a file's own path is not looked at.

    Raises:
      InputError: a folder that is none of `save_to_preset` and has not one `.keras` file.
    """
    path = os.fspath(models.shipped_model_path() if path is None else path)
    if is_preset_folder(path):
        return os.path.join(path, WEIGHTS)
    return _find_in_folder(path) if os.path.isdir(path) else path


def _find_in_folder(folder: str) -> str:
    found = [name for name in os.listdir(folder) if name.endswith(".keras")]
    if MODEL_NAME in found:
        return os.path.join(folder, MODEL_NAME)
    if len(found) == 1:
        return os.path.join(folder, found[0])
    count = f"{len(found)} .keras files: name one of them" if found else "no .keras file"
    raise InputError(f"the model folder {folder!r} holds {count}")
