"""A model as one ONNX file, by tf2onnx, run by ONNX Runtime (extra `[onnx]`)."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

from gfla_tf import ops
from gfla_tf.errors import InputError
from gfla_tf.export.exported_file import ExportedFile, check_file, write_with_model_card
from gfla_tf.export.network_graph import check_model, network_function
from gfla_tf.export.network_parity import check_parity, compare, synthetic_pairs
from gfla_tf.export.stderr import suppress_stderr

OPSET = 17
"""ONNX's version of 2022, which ONNX Runtime reads from 1.13 on."""


def export_onnx(
    model,
    output,
    *,
    source=None,
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> ExportedFile:
    """Writes `output` and its model card, after comparing the file with the Keras model by ONNX Runtime.

    Inputs and outputs are those of `gfla_tf.export.network_graph.network_function`, all float32.

    Args:
      model: a `PersonImageGenerator` for RGB images and 18 keypoints.
      output: the file.
      source: where the model was loaded from; None: the shipped model.
      size: (H, W), fixed in the file; None: the model's own.
      batch: N, or None: any.
      force: replace the files that are there.
      progress: called with each step's name.

    Raises:
      InputError: a model of other inputs, a size that cannot be halved, an output that cannot be written, the
        extra is not installed, or the file is too far from the model.
    """
    check_file(output, force)
    for package in ("tf2onnx", "onnxruntime"):
        _load(package)
    size = check_model(model, size)
    progress("converting to ONNX")
    content = convert(model, size, batch)
    progress("comparing it with the Keras model")
    pairs = synthetic_pairs(model, size)
    parity = compare(model, open_onnx(content), pairs)
    check_parity(parity, "float32")
    asked = {
        "format": "onnx",
        "size": list(size),
        "batch": "dynamic" if batch is None else batch,
        "opset": OPSET,
        "compared_on": f"{len(pairs)} pairs of SyntheticPeople",
    }
    return write_with_model_card(model, source, output, content, asked, parity, force)


def convert(model, size: tuple[int, int], batch: int | None = None) -> bytes:
    """A model as an ONNX file's content; see `export_onnx`."""
    function = network_function(model, size, batch)
    with suppress_stderr(), ops.portable(loops=False):
        proto, _ = _load("tf2onnx").convert.from_function(
            function, input_signature=function.input_signature, opset=OPSET
        )
    return proto.SerializeToString()


def open_onnx(content: bytes):
    """A function of {input: float32 array} that returns {output: array}, on the CPU."""
    runtime = _load("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]

    def call(inputs):
        given = {name: np.asarray(value, np.float32) for name, value in inputs.items()}
        return dict(zip(names, session.run(names, given), strict=True))

    return call


def _load(package):
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"ONNX files are made by tf2onnx and compared by ONNX Runtime, and {package} cannot be imported "
            f'({error}): python -m pip install "gfla_tf[onnx]"'
        ) from error
