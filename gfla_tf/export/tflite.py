"""Export to a TFLite file for LiteRT that uses only TFLite's builtin operators."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from gfla_tf.errors import InputError
from gfla_tf.export.calibration import Calibration
from gfla_tf.export.exported_file import ExportedFile, check_file, write_with_model_card
from gfla_tf.export.litert import load_interpreter, open_tflite
from gfla_tf.export.network_graph import SIGNATURE, check_model, saved_graph
from gfla_tf.export.network_parity import NUM_PAIRS, check_parity, compare, synthetic_pairs
from gfla_tf.export.stderr import suppress_stderr
from gfla_tf.export.tflite_flatbuffer import foreign_operators, halve_weights, output_convolutions
from gfla_tf.models import PersonImageGenerator

FORMS = ("float32", "float16", "dynamic", "int8")

# The operators that stay in float32 in an int8 file. Instance normalization divides by values that may be
# small, sampling positions are fractions of a pixel, and the sums of residual blocks accumulate errors.
_FLOAT_OPERATORS = [
    *("ADD", "SUB", "MUL", "DIV", "MEAN", "SQUARED_DIFFERENCE", "RSQRT"),
    *("LEAKY_RELU", "TANH", "LOGISTIC", "SOFTMAX"),
    *("FLOOR", "MINIMUM", "MAXIMUM", "SELECT", "SELECT_V2", "NOT_EQUAL"),
    *("CONCATENATION", "GATHER", "MIRROR_PAD", "PAD", "RESHAPE", "STRIDED_SLICE", "TRANSPOSE"),
    "TRANSPOSE_CONV",
]


def export_tflite(
    model: PersonImageGenerator,
    output: str | os.PathLike,
    *,
    source: str | os.PathLike | None = None,
    size: tuple[int, int] | None = None,
    quantize: str = "float32",
    batch: int | None = 1,
    calibration: str | os.PathLike | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
    calibrated: Callable[[int, int], None] = lambda done, total: None,
) -> ExportedFile:
    """Exports a model to a TFLite file with a model card.

    The file is run by LiteRT and compared with the Keras model before it is written. Its signature
    `serving_default` takes source_image [N, H, W, 3] in [-1, 1], source_pose and target_pose [N, H, W, 18]
    and returns image [N, H, W, 3], flow_0 (coarse), ... [N, h, w, 2] in pixels and mask_0, ... [N, h, w, 1].
    All inputs and outputs are float32, whatever the quantization.

    Args:
      model: A `PersonImageGenerator` for RGB images and 18 keypoints.
      output: The path of the file.
      source: The path that the model was loaded from, or `None` for the shipped model.
      size: (H, W), static in the file. Defaults to the model's image size.
      quantize: "float32"; "float16", float16 weights; "dynamic", int8 weights with activation
        ranges measured at run time; or "int8", int8 convolutions with ranges measured on `calibration`.
      batch: N, or `None` for a dynamic batch size.
      calibration: A data folder or shards, required by "int8". Activation ranges are measured on its train
        split, and the file is compared with the model on its test split.
      force: Whether existing files may be overwritten.
      progress: Called with the name of each step.
      calibrated: Called with (done, total) after each calibration pair.

    Returns:
      An `ExportedFile`.

    Raises:
      ValueError: Unknown `quantize`.
      InputError: `calibration` is missing for "int8" or given without it, the model has other inputs,
        the size is not divisible by the model's downsampling factor, the output cannot be written, LiteRT is
        not installed, or the file differs too much from the model.
    """
    if quantize not in FORMS:
        raise ValueError(f"quantize must be one of {FORMS}, got {quantize!r}")
    if (quantize == "int8") != (calibration is not None):
        reason = "needs calibration data" if quantize == "int8" else "takes no calibration data"
        raise InputError(f"{quantize} {reason}: use --calibration FOLDER with --quantize int8 only")
    check_file(output, force)
    load_interpreter()
    size = check_model(model, size)
    data = None if calibration is None else Calibration(calibration, model, size)
    progress(f"converting to {quantize}")
    ranges = None if data is None else lambda: data.read(calibrated)
    content = convert(model, size, quantize, batch, ranges)
    progress("comparing with the Keras model")
    pairs = synthetic_pairs(model, size) if data is None else data.held_out(NUM_PAIRS)
    parity = compare(model, open_tflite(content), pairs)
    check_parity(parity, quantize)
    export = {
        "format": "tflite",
        "size": list(size),
        "quantize": quantize,
        "batch": "dynamic" if batch is None else batch,
        "calibration_pairs": None if data is None else data.count,
        "compared_on": f"{len(pairs)} pairs of {'SyntheticPeople' if data is None else 'the test split'}",
    }
    return write_with_model_card(model, source, output, content, export, parity, force)


def convert(
    model: PersonImageGenerator,
    size: tuple[int, int],
    quantize: str = "float32",
    batch: int | None = 1,
    ranges: Callable[[], Iterator[dict[str, np.ndarray]]] | None = None,
) -> bytes:
    """Converts a model to the bytes of a TFLite file; see `export_tflite`.

    Args:
      model: The model.
      size: (H, W).
      quantize: One of `FORMS`.
      batch: N, or `None` for a dynamic batch size.
      ranges: With "int8", a function that yields the inputs for calibration.

    Raises:
      InputError: The graph needs operators that are not TFLite builtins.
    """
    with suppress_stderr(), saved_graph(model, size, batch) as folder:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if quantize in ("dynamic", "int8"):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = ranges
        try:
            content = _convert_int8(converter) if quantize == "int8" else converter.convert()
        except ConverterError as error:
            missing = re.findall(r"(?:Select|Flex|Custom) ops: (.*)", str(error))
            raise _unsupported(
                ", ".join(missing) or "an operator that the converter does not name"
            ) from error
    content = halve_weights(content) if quantize == "float16" else content
    foreign = foreign_operators(content)
    if foreign:
        raise _unsupported(", ".join(foreign))
    return content


def _unsupported(names):
    return InputError(
        f"the model cannot be expressed in TFLite's builtin operators: it needs {names.strip()}"
    )


def _convert_int8(converter):
    """Converts the convolutions to int8, except for the last one before each output.

    One int8 step of a flow is a fraction of a pixel, and one step of the image before its tanh may be several
    of its 256 levels.
    """
    options = tf.lite.experimental.QuantizationDebugOptions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # calibration uses TensorFlow's own interpreter
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=lambda: iter(()),
            debug_options=options(denylisted_ops=_FLOAT_OPERATORS),
        )
        kept = output_convolutions(debugger.calibrated_model)
        debugger.options = options(denylisted_ops=_FLOAT_OPERATORS, denylisted_nodes=kept)
        return debugger.get_nondebug_quantized_model()
