"""A SavedModel for TensorFlow Serving, and for every other client that runs TensorFlow graphs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from gfla_tf import _compat
from gfla_tf.errors import InputError
from gfla_tf.export.exported_folder import MODEL_CARD, SAVED_MODEL, check_folder, new_folder
from gfla_tf.export.model_card import model_card, model_card_text
from gfla_tf.export.serving import Serving
from gfla_tf.export.serving_parity import check_parity, measure_parity
from gfla_tf.export.warmup import FILE as WARMUP
from gfla_tf.export.warmup import warmup_requests, write_warmup

_OURS = "Gfla"
"""How the compiled operators' names begin."""


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """A written export: its folder, its card (`gfla_tf.export.model_card`) and its signatures' names."""

    folder: Path
    model_card: dict
    signatures: tuple[str, ...]


def export_saved_model(
    model,
    folder,
    *,
    source=None,
    size: tuple[int, int] | None = None,
    fit: str = "letterbox",
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> ExportedModel:
    """Writes a model as a SavedModel that needs nothing of this package.

    It holds the signatures of `gfla_tf.export.serving.Serving`, made of TensorFlow's own operators only,
    warm-up requests for TensorFlow Serving and a model card. It is loaded again and compared with the model
    before it appears.

    Args:
      model: a `PersonImageGenerator`.
      folder: is made whole or not at all.
      source: the path that the model was loaded from, for its card; None: the shipped model.
      size: (H, W) of the frame that the networks see; None: the model's own.
      fit: "letterbox" or "resize": how photographs of other proportions are put into it.
      force: replaces an export that is there; never anything else.
      progress: is told each step.

    Raises:
      InputError: the folder is in use or cannot be written, the size does not suit the model, or the export
        does not answer as the model.
    """
    check_folder(folder, force)
    try:
        serving = Serving(model, size, fit)
    except ValueError as error:
        raise InputError(f"the model cannot be exported so: {error}") from error
    progress("tracing the signatures")
    functions = serving.concrete_functions()
    with new_folder(folder, force) as beside:
        progress("writing the SavedModel")
        _save(model, functions, beside)
        _check_operators(beside)
        (beside / WARMUP).parent.mkdir()
        write_warmup(beside / WARMUP, warmup_requests(serving.inputs(), serving.size))
        progress("comparing it with the Keras model")
        parity = measure_parity(model, tf.saved_model.load(str(beside)).signatures, serving.size, fit)
        check_parity(parity)
        files = {str(path.relative_to(beside)): path for path in beside.rglob("*") if path.is_file()}
        asked = {"format": "savedmodel", "size": list(serving.size), "fit": fit, "batch": "dynamic"}
        card = model_card(model, source, export=asked, parity=parity, files=files)
        (beside / MODEL_CARD).write_text(model_card_text(card), encoding="utf-8")
    return ExportedModel(Path(folder), card, tuple(functions))


def _save(model, functions, folder):
    module = tf.Module()
    module.weights = _compat.tf_variables(model)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, str(folder), signatures=functions, options=options)


def operators(folder) -> set[str]:
    """The names of the operators that a SavedModel's graph and functions use."""
    saved = saved_model_pb2.SavedModel.FromString((Path(folder) / SAVED_MODEL).read_bytes())
    graphs = [graph.graph_def for graph in saved.meta_graphs]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for graph in graphs for f in graph.library.function for node in f.node_def]
    return {node.op for node in nodes}


def _check_operators(folder):
    ours = sorted(name for name in operators(folder) if name.startswith(_OURS))
    if ours:
        raise RuntimeError(f"the graph holds operators that other programs lack: {', '.join(ours)}")
