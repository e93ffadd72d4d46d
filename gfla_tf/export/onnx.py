"""Export to ONNX by tf2onnx, and inference by ONNX Runtime (extra `[onnx]`)."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from types import ModuleType

import numpy as np

from gfla_tf import ops
from gfla_tf.errors import InputError
from gfla_tf.export.exported_file import ExportedFile, check_file, write_with_model_card
from gfla_tf.export.network_graph import check_model, network_function
from gfla_tf.export.network_parity import check_parity, compare, synthetic_pairs
from gfla_tf.export.stderr import suppress_stderr
from gfla_tf.models import PersonImageGenerator

OPSET = 17
"""ONNX's operator set of 2022, supported by ONNX Runtime 1.13 and later."""


def export_onnx(
    model: PersonImageGenerator,
    output: str | os.PathLike,
    *,
    source: str | os.PathLike | None = None,
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> ExportedFile:
    """Exports a model to an ONNX file with a model card.

    The file is run by ONNX Runtime and compared with the Keras model before it is written. Its inputs and
    outputs are those of `gfla_tf.export.network_graph.network_function`, all float32.

    Args:
      model: A `PersonImageGenerator` for RGB images and 18 keypoints.
      output: The path of the file.
      source: The path that the model was loaded from, or `None` for the shipped model.
      size: (H, W), static in the file. Defaults to the model's image size.
      batch: N, or `None` for a dynamic batch size.
      force: Whether existing files may be overwritten.
      progress: Called with the name of each step.

    Returns:
      An `ExportedFile`.

    Raises:
      InputError: The model has other inputs, the size is not divisible by the model's downsampling factor,
        the output cannot be written, the extra is not installed, or the file differs too much from the model.
    """
    check_file(output, force)
    for package in ("tf2onnx", "onnxruntime"):
        _load(package)
    size = check_model(model, size)
    progress("converting to ONNX")
    content = convert(model, size, batch)
    progress("comparing with the Keras model")
    pairs = synthetic_pairs(model, size)
    parity = compare(model, open_onnx(content), pairs)
    check_parity(parity, "float32")
    export = {
        "format": "onnx",
        "size": list(size),
        "batch": "dynamic" if batch is None else batch,
        "opset": OPSET,
        "compared_on": f"{len(pairs)} pairs of SyntheticPeople",
    }
    return write_with_model_card(model, source, output, content, export, parity, force)


def convert(model: PersonImageGenerator, size: tuple[int, int], batch: int | None = None) -> bytes:
    """Converts a model to the bytes of an ONNX file; see `export_onnx`."""
    function = network_function(model, size, batch)
    with suppress_stderr(), ops.portable(loops=False):
        proto, _ = _load("tf2onnx").convert.from_function(
            function, input_signature=function.input_signature, opset=OPSET
        )
    return proto.SerializeToString()


def open_onnx(content: bytes) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns a function that runs an ONNX file on the CPU: {input: float32 array} -> {output: array}."""
    runtime = _load("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        arrays = {name: np.asarray(value, np.float32) for name, value in inputs.items()}
        return dict(zip(names, session.run(names, arrays), strict=True))

    return run


def _load(package: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"ONNX export needs tf2onnx and ONNX Runtime, and {package} cannot be imported ({error}): "
            'python -m pip install "gfla-tf[onnx]"'
        ) from error
