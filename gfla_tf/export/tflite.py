"""A model as one TFLite file for LiteRT, of TFLite's own operators only."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from gfla_tf.errors import InputError
from gfla_tf.export.calibration import Calibration
from gfla_tf.export.exported_file import ExportedFile, check_file, write_with_model_card
from gfla_tf.export.litert import load_interpreter, open_tflite
from gfla_tf.export.network_graph import SIGNATURE, check_model, saved_graph
from gfla_tf.export.network_parity import PAIRS, check_parity, compare, synthetic_pairs
from gfla_tf.export.stderr import suppress_stderr
from gfla_tf.export.tflite_flatbuffer import foreign_operators, halve_weights, heads

FORMS = ("float32", "float16", "dynamic", "int8")

# With int8, what is not computed in integers. Instance normalisation divides by what may be small, positions
# are fractions of a pixel, and the residual blocks' sums add their errors up.
_FLOAT_OPERATORS = [
    *("ADD", "SUB", "MUL", "DIV", "MEAN", "SQUARED_DIFFERENCE", "RSQRT"),
    *("LEAKY_RELU", "TANH", "LOGISTIC", "SOFTMAX"),
    *("FLOOR", "MINIMUM", "MAXIMUM", "SELECT", "SELECT_V2", "NOT_EQUAL"),
    *("CONCATENATION", "GATHER", "MIRROR_PAD", "PAD", "RESHAPE", "STRIDED_SLICE", "TRANSPOSE"),
    "TRANSPOSE_CONV",
]


def export_tflite(
    model,
    output,
    *,
    source=None,
    size: tuple[int, int] | None = None,
    quantize: str = "float32",
    batch: int | None = 1,
    calibration=None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
    calibrated: Callable[[int, int], None] = lambda done, total: None,
) -> ExportedFile:
    """Writes `output` and its model card, after comparing the file, run by LiteRT, with the Keras model.

    The file's signature `serving_default` takes source_image [N, H, W, 3] in [-1, 1], source_pose and
    target_pose [N, H, W, 18] and returns image [N, H, W, 3], flow_0 (coarse), ... [N, h, w, 2] in pixels and
    mask_0, ... [N, h, w, 1]; all are float32 in every form.

    Args:
      model: a `PersonImageGenerator` for RGB images and 18 keypoints.
      output: the file.
      source: where the model was loaded from; None: the shipped model.
      size: (H, W), fixed in the file; None: the model's own.
      quantize: "float32"; "float16": weights in float16; "dynamic": weights in int8, activations measured as
        they come; "int8": convolutions in integers, with ranges measured on `calibration`.
      batch: N, or None: any.
      calibration: a data folder or shards, with int8: ranges are measured on its train split, and the file is
        compared on its test split.
      force: replace the files that are there.
      progress, calibrated: called with each step's name, and with (done, total) pairs.

    Raises:
      ValueError: an unknown form.
      InputError: no calibration for int8 or one for another form, a model of other inputs, a size that cannot
        be halved, an output that cannot be written, LiteRT is missing, or the file is too far from the model.
    """
    if quantize not in FORMS:
        raise ValueError(f"quantize must be one of {FORMS}, got {quantize!r}")
    if (quantize == "int8") != (calibration is not None):
        says = "needs pairs to measure ranges on" if quantize == "int8" else "measures no ranges"
        raise InputError(f"{quantize} {says}: --calibration FOLDER belongs to --quantize int8")
    check_file(output, force)
    load_interpreter()
    size = check_model(model, size)
    data = None if calibration is None else Calibration(calibration, model, size)
    progress(f"converting to {quantize}")
    ranges = None if data is None else lambda: data.read(calibrated)
    content = convert(model, size, quantize, batch, ranges)
    progress("comparing it with the Keras model")
    pairs = synthetic_pairs(model, size) if data is None else data.held_out(PAIRS)
    parity = compare(model, open_tflite(content), pairs)
    check_parity(parity, quantize)
    asked = {
        "format": "tflite",
        "size": list(size),
        "quantize": quantize,
        "batch": "dynamic" if batch is None else batch,
        "calibration_pairs": None if data is None else data.count,
        "compared_on": f"{len(pairs)} pairs of {'SyntheticPeople' if data is None else 'the test split'}",
    }
    return write_with_model_card(model, source, output, content, asked, parity, force)


def convert(model, size, quantize: str = "float32", batch: int | None = 1, ranges=None) -> bytes:
    """A model as a TFLite file's content; see `export_tflite`.

    Args:
      ranges: with "int8", a function without argument that yields the inputs ranges are measured on.

    Raises:
      InputError: the graph needs operators that are not TFLite's own.
    """
    with suppress_stderr(), saved_graph(model, size, batch) as folder:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if quantize in ("dynamic", "int8"):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = ranges
        try:
            content = _in_integers(converter) if quantize == "int8" else converter.convert()
        except ConverterError as error:
            needed = re.findall(r"(?:Select|Flex|Custom) ops: (.*)", str(error))
            raise _inexpressible(", ".join(needed) or "something that the converter does not name") from error
    content = halve_weights(content) if quantize == "float16" else content
    foreign = foreign_operators(content)
    if foreign:
        raise _inexpressible(", ".join(foreign))
    return content


def _inexpressible(needed):
    return InputError(f"TFLite's own operators cannot express this model, it needs {needed.strip()}")


def _in_integers(converter):
    """Convolutions in int8 but the last ones before the outputs: a step of an int8 flow is a part of a pixel,
    and one of the picture before its tanh may be several grey levels.
    """
    choose = tf.lite.experimental.QuantizationDebugOptions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # calibration is by TensorFlow's own interpreter
        tool = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=lambda: iter(()),
            debug_options=choose(denylisted_ops=_FLOAT_OPERATORS),
        )
        kept = heads(tool.calibrated_model)
        tool.options = choose(denylisted_ops=_FLOAT_OPERATORS, denylisted_nodes=kept)
        return tool.get_nondebug_quantized_model()
