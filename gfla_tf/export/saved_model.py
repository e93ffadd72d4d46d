"""Export to a SavedModel for TensorFlow Serving and other programs that run TensorFlow graphs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from gfla_tf import _compat
from gfla_tf.export.exported_folder import MODEL_CARD, SAVED_MODEL, check_folder, new_export
from gfla_tf.export.model_card import model_card, model_card_text, served_images
from gfla_tf.export.serving import Serving
from gfla_tf.export.serving_parity import check_parity, measure_parity
from gfla_tf.export.warmup import FILE as WARMUP
from gfla_tf.export.warmup import warmup_requests, write_warmup
from gfla_tf.images.limits import MAX_PIXELS
from gfla_tf.models import PersonImageGenerator

_CUSTOM_OPERATOR_PREFIX = "Gfla"


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """An exported SavedModel.

    Attributes:
      folder: The SavedModel's folder.
      model_card: See `gfla_tf.export.model_card.model_card`.
      signatures: The names of the signatures.
    """

    folder: Path
    model_card: dict[str, Any]
    signatures: tuple[str, ...]


def export_saved_model(
    model: PersonImageGenerator,
    folder: str | os.PathLike,
    *,
    source: str | os.PathLike | None = None,
    size: tuple[int, int] | None = None,
    fit: str = "letterbox",
    max_pixels: int = MAX_PIXELS,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> ExportedModel:
    """Exports a model to a SavedModel that runs without this package.

    The SavedModel contains the signatures of `gfla_tf.export.serving.Serving`, built from TensorFlow's own
    operators only, warm-up requests for TensorFlow Serving, and a model card. It is loaded and compared with
    the Keras model before the folder appears.

    Args:
      model: A `PersonImageGenerator` for RGB images and 18 keypoints.
      folder: The output folder, written atomically.
      source: The path that the model was loaded from, or `None` for the shipped model.
      size: (H, W) of the images that the networks process. Defaults to the model's image size.
      fit: How photos of another aspect ratio are fitted into `size`: "letterbox" or "resize".
      max_pixels: The largest accepted product of a photo's height and width, which bounds the memory of a
        request; see `gfla_tf.export.serving.Serving`.
      force: Whether an existing export may be overwritten. Other folders never are.
      progress: Called with the name of each step.

    Returns:
      An `ExportedModel`.

    Raises:
      ValueError: Unknown `fit`.
      InputError: The folder is in use or cannot be written, the model has other inputs, the size is not
        divisible by its downsampling factor, `max_pixels` is outside its range, or the export differs
        too much from the model.
    """
    check_folder(folder, force)
    serving = Serving(model, size, fit, max_pixels)
    progress("tracing the signatures")
    functions = serving.concrete_functions()
    with new_export(folder, force) as temporary:
        progress("writing the SavedModel")
        _save(model, functions, temporary)
        _check_operators(temporary)
        (temporary / WARMUP).parent.mkdir()
        write_warmup(temporary / WARMUP, warmup_requests(serving.inputs(), serving.size))
        progress("comparing with the Keras model")
        parity = measure_parity(model, tf.saved_model.load(str(temporary)).signatures, serving.size, fit)
        check_parity(parity)
        files = {str(path.relative_to(temporary)): path for path in temporary.rglob("*") if path.is_file()}
        export = {
            "format": "savedmodel",
            "size": list(serving.size),
            "fit": fit,
            "batch": "dynamic",
            "max_pixels": serving.max_pixels,
            "max_rows": serving.max_rows,
            "images": served_images(),
        }
        content = model_card(model, source, export=export, parity=parity, files=files)
        (temporary / MODEL_CARD).write_text(model_card_text(content), encoding="utf-8")
    return ExportedModel(Path(folder), content, tuple(functions))


def _save(model, functions, folder):
    module = tf.Module()
    module.weights = _compat.tf_variables(model)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, str(folder), signatures=functions, options=options)


def operators(folder: str | os.PathLike) -> set[str]:
    """Returns the names of the operators that a SavedModel's graphs and functions use."""
    saved = saved_model_pb2.SavedModel.FromString((Path(folder) / SAVED_MODEL).read_bytes())
    graphs = [graph.graph_def for graph in saved.meta_graphs]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for graph in graphs for f in graph.library.function for node in f.node_def]
    return {node.op for node in nodes}


def _check_operators(folder):
    custom = sorted(name for name in operators(folder) if name.startswith(_CUSTOM_OPERATOR_PREFIX))
    if custom:
        raise RuntimeError(f"the graph contains custom operators of this package: {', '.join(custom)}")
