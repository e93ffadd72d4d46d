"""Finding and loading a trained person image generator."""

from __future__ import annotations

import json
import os
import zipfile
import zlib

import keras

from gfla_tf import models
from gfla_tf.errors import InputError

MODEL_NAME = "model.keras"
"""What a run folder calls its model; another folder may hold one `.keras` file of any name."""

_MAX_CONFIG_BYTES = 2**20
_DAMAGE = (
    *(OSError, EOFError, KeyError, ValueError, RecursionError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading an archive raises that is none, or no whole one."""


def load_generator(path=None) -> models.PersonImageGenerator:
    """Loads a `PersonImageGenerator`.

    Only that class is loaded, from its arguments and weights: a file of another kind is refused before Keras
    reads it.

    Args:
      path: a `.keras` file, or a folder that holds one (a run folder, or one of `savedmodels/`); None: the
        shipped synthetic model.

    Raises:
      InputError: missing, not a `.keras` file, another model, or damaged; the sentence names the file.
    """
    path = os.fspath(models.shipped_model_path() if path is None else path)
    if os.path.isdir(path):
        path = _find_in_folder(path)
    _check_file(path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise InputError(f"the model {path!r} cannot be loaded: {_first_line(error)}") from error


def _find_in_folder(folder: str) -> str:
    found = [name for name in os.listdir(folder) if name.endswith(".keras")]
    if MODEL_NAME in found:
        return os.path.join(folder, MODEL_NAME)
    if len(found) == 1:
        return os.path.join(folder, found[0])
    count = f"{len(found)} .keras files: name one of them" if found else "no .keras file"
    raise InputError(f"the model folder {folder!r} holds {count}")


def _check_file(path: str) -> None:
    """Checks that the file is a whole Keras archive of a `PersonImageGenerator`."""
    if not os.path.isfile(path):
        raise InputError(f"the model {path!r} does not exist or is not a file")
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > _MAX_CONFIG_BYTES:
                raise InputError(
                    f"the model {path!r} has a configuration of more than {_MAX_CONFIG_BYTES} bytes"
                )
            config = json.loads(archive.read("config.json"))
            damaged = archive.testzip()
            if damaged is not None:
                raise InputError(f"the model {path!r} is damaged: the checksum of its {damaged} is wrong")
    except _DAMAGE as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the model {path!r} is not a .keras file, or is damaged") from error
    name = config.get("registered_name") if isinstance(config, dict) else None
    if name != "gfla_tf>PersonImageGenerator":
        raise InputError(f"the model {path!r} is not a PersonImageGenerator but {str(name)[:60]!r}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
