"""The record beside an exported model: what it is, where it came from, what was measured, its files."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from pathlib import Path

import keras
import tensorflow as tf

from gfla_tf._version import __version__
from gfla_tf.config import load_config
from gfla_tf.errors import InputError
from gfla_tf.export.exported_folder import MODEL_CARD
from gfla_tf.images.io import read_file
from gfla_tf.models.loading import MODEL_NAME, model_file
from gfla_tf.models.preset_folder import WEIGHTS
from gfla_tf.training.sources import open_source

_SCHEMA = 1
_MAX_BYTES = 4 * 2**20  # of a record beside a model
_LOCAL = ("root", "workers")  # settings of the data that are about the machine


def model_card(model, source, *, export: dict, parity: dict | None = None, files: dict | None = None) -> dict:
    """Describes an exported model, JSON-ready.

    Args:
      model: the `PersonImageGenerator` that was exported.
      source: the path it was loaded from, a `.keras` file or a folder with one; None: the shipped model.
      export: what was asked for: format, size, fit, quantization and so on.
      parity: differences from the Keras model, measured on this export.
      files: {name relative to the export: its path}; each is recorded with its hash and size.

    Returns:
      A dict with schema, name, versions, model (class, config), parameters, weights_sha256 (of the source
      file), data (the run's settings and how its images were made), figures (as `gfla evaluate` recorded
      them), export, parity and files. `data` and `figures` are None unless the folder of the source recorded
      them: nothing is guessed.

    Raises:
      InputError: the source is not there, or a record beside it is damaged.
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
        "metrics": _record(path, "metrics.json", json.loads),
        "export": export,
        "parity": parity,
        "files": {
            name: {"sha256": sha256(file), "bytes": os.path.getsize(file)}
            for name, file in sorted((files or {}).items())
        },
    }


def model_card_text(card: dict) -> str:
    """The card as JSON, as it is written."""
    return json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def model_card_path(output) -> str:
    """Where the card of an exported file stands: `person.tflite` -> `person.model_card.json` beside it."""
    return f"{os.path.splitext(os.fspath(output))[0]}.{MODEL_CARD}"


def sha256(path) -> str:
    """The hash of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(path):
    """The folder's name for a run's model and a preset's weights, otherwise the file's without its ending."""
    return path.resolve().parent.name if path.name in (MODEL_NAME, WEIGHTS) else path.stem


def _arguments(model):
    """The constructor's own arguments; Keras adds others, which differ between its versions."""
    known = inspect.signature(type(model)).parameters
    return {name: value for name, value in model.get_config().items() if name in known}


def _data(path):
    """What the run recorded of its data, and how its images were made; None without a run."""
    config = _record(path, "config.yaml", _load_yaml)
    run = _record(path, "run.json", json.loads)
    if config is None and run is None:
        return None
    settings, images = (config or {}).get("data"), (run or {}).get("images")
    if isinstance(settings, dict):
        settings = {name: value for name, value in settings.items() if name not in _LOCAL}
        if images is None and settings.get("source") == "synthetic":
            images = open_source(load_config(path.parent / "config.yaml")).images  # the settings tell it all
    return {"images": images, "settings": settings}


def _record(path, name, parse):
    """A record of the folder that is about its model.keras, a dict; None where there is none.

    Raises:
      InputError: it is there and is none.
    """
    place = path.parent / name
    if path.name != MODEL_NAME or not place.is_file():
        return None
    text = read_file(str(place), _MAX_BYTES, "record")
    try:
        value = parse(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the record {str(place)!r} beside the model is damaged: remove it") from error
    if not isinstance(value, dict):
        raise InputError(f"the record {str(place)!r} beside the model is damaged: remove it")
    return value


def _load_yaml(text):
    """Raises ValueError, as json.loads does, where it is none."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
