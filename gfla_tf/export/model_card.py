"""Model card: a JSON record of an exported model's configuration, data, metrics, parity and files."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from gfla_tf._version import __version__
from gfla_tf.config import load_config
from gfla_tf.documents import format_json, parse_json, parse_yaml
from gfla_tf.errors import InputError
from gfla_tf.export.exported_folder import MODEL_CARD
from gfla_tf.files.names import stem, without_ending
from gfla_tf.images.io import read_file
from gfla_tf.images.kinds import KINDS
from gfla_tf.models import PersonImageGenerator
from gfla_tf.models.loading import MODEL_NAME, model_file
from gfla_tf.models.preset_folder import WEIGHTS
from gfla_tf.training.sources import open_source

_SCHEMA = 1
_MAX_BYTES = 4 * 2**20  # of a record in the run folder
_LOCAL = ("root", "workers")  # data settings that depend on the machine


def model_card(
    model: PersonImageGenerator,
    source: str | os.PathLike | None,
    *,
    export: dict[str, Any],
    parity: dict[str, float] | None = None,
    files: dict[str, str | os.PathLike] | None = None,
) -> dict[str, Any]:
    """Describes an exported model as a JSON-serializable dict.

    Args:
      model: The exported model.
      source: The `.keras` file that the model was loaded from, or the folder with it. `None` for the shipped
        model.
      export: The options of the export: format, size, fit, quantization and so on.
      parity: The differences of this export from the Keras model.
      files: {name relative to the export: path}. The hash and the size of each file are recorded.

    Returns:
      A dict with schema, name, versions, model (class and config), parameters, weights_sha256 (of the source
      file), data (the data settings of the run and the origin of its images), metrics (as written by
      `gfla evaluate`), export, parity and files. `data` and `metrics` are `None` if the source's folder does
      not contain them.

    Raises:
      InputError: The source does not exist, or a record beside it is damaged.
    """
    path = Path(model_file(source))
    return {
        "schema": _SCHEMA,
        "name": _name(path),
        "versions": {"gfla_tf": __version__, "tensorflow": tf.__version__, "keras": keras.__version__},
        "model": {"class": type(model).__name__, "config": _arguments(model)},
        "parameters": int(model.count_params()),
        "weights_sha256": sha256(path),
        "data": _data(path),
        "metrics": _record(path, "metrics.json", parse_json),
        "export": export,
        "parity": parity,
        "files": {
            name: {"sha256": sha256(file), "bytes": os.path.getsize(file)}
            for name, file in sorted((files or {}).items())
        },
    }


def model_card_text(content: dict[str, Any]) -> str:
    """Returns the text of a model card file."""
    return format_json(content)


def model_card_path(output: str | os.PathLike) -> str:
    """Returns the path of an exported file's model card: `person.tflite` -> `person.model_card.json`."""
    return f"{without_ending(os.fspath(output))}.{MODEL_CARD}"


def served_images() -> dict[str, Any]:
    """Returns the kinds of images that a served graph accepts, and what it does with their orientation."""
    kinds: dict[str, list[str]] = {}
    for kind in KINDS:
        if kind.graph:
            kinds.setdefault(kind.format, []).append(kind.content)
    return {"kinds": kinds, "exif_orientation": "applied"}


def sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(path):
    """Returns the folder's name for a run or a preset, and the file's name without extension otherwise."""
    return path.resolve().parent.name if path.name in (MODEL_NAME, WEIGHTS) else stem(path)


def _arguments(model):
    """Returns the constructor arguments without those that Keras adds, which differ between versions."""
    known = inspect.signature(type(model)).parameters
    return {name: value for name, value in model.get_config().items() if name in known}


def _data(path):
    """Returns the data settings of a run and the origin of its images, or `None` without a run."""
    config = _record(path, "config.yaml", parse_yaml)
    run = _record(path, "run.json", parse_json)
    if config is None and run is None:
        return None
    settings, images = (config or {}).get("data"), (run or {}).get("images")
    if isinstance(settings, dict):
        settings = {name: value for name, value in settings.items() if name not in _LOCAL}
        if images is None and settings.get("source") == "synthetic":
            images = open_source(load_config(path.parent / "config.yaml")).images
    return {"images": images, "settings": settings}


def _record(path: Path, name: str, parse: Callable[[str], Any]) -> dict[str, Any] | None:
    """Reads a record from the folder of a run's model.keras; returns `None` if it does not exist.

    Raises:
      InputError: The record exists but is invalid.
    """
    record = path.parent / name
    if path.name != MODEL_NAME or not record.is_file():
        return None
    text = read_file(str(record), _MAX_BYTES, "record")
    try:
        value = parse(text.decode("utf-8"))
    except ValueError as error:
        raise InputError(f"the record {str(record)!r} beside the model is damaged: remove it") from error
    if not isinstance(value, dict):
        raise InputError(f"the record {str(record)!r} beside the model is damaged: remove it")
    return value
