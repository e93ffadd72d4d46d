"""Size and speed of exported models: Keras, SavedModel and every form of TFLite file.

    python -m benchmarks.bm_export
    python -m benchmarks.bm_export --only synthetic --check

All formats of a network alternate in one process, with the same number of threads. `fashion` and `market`
have random initial weights, which do not affect the times; `synthetic` is the shipped model. The Keras row is
one graph, with the compiled operators if they are built; TFLite files are run by LiteRT.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from pathlib import Path

import tensorflow as tf

from benchmarks.environment import cores
from benchmarks.graphs import forward
from benchmarks.reporting import milliseconds, run
from benchmarks.timing import alternate
from gfla_tf.evaluation.synthetic import MODEL_INPUTS
from gfla_tf.export import export_saved_model
from gfla_tf.export.litert import open_tflite
from gfla_tf.export.network_parity import LIMITS, compare, synthetic_pairs
from gfla_tf.export.tflite import FORMS, convert
from gfla_tf.models import PersonImageGenerator
from gfla_tf.models.loading import load_generator

PRESETS = ("fashion", "market", "synthetic")
STRIDE = 32  # image sizes are multiples of it
MIB = 2**20


def measure(report, args, name):
    """A table with one row per format of a network."""
    model = (
        load_generator()
        if name == "synthetic"
        else PersonImageGenerator.from_preset(name, load_weights=False)
    )
    size = tuple(max(STRIDE, side // args.shrink // STRIDE * STRIDE) for side in model.image_size)
    pairs = synthetic_pairs(model, size)
    inputs = [tf.constant(pairs[0][part]) for part in MODEL_INPUTS]
    calls = {"Keras": forward(lambda *values: _ask(model, values), inputs)}
    bytes_of, parity = {"Keras": 4 * model.count_params()}, {}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "savedmodel"
        export_saved_model(model, folder, source=_saved(model, work), size=size)
        bytes_of["SavedModel"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        loaded = tf.saved_model.load(str(folder))
        given = dict(zip(MODEL_INPUTS, inputs, strict=True))
        calls["SavedModel"] = functools.partial(loaded.signatures["tensors"], **given)
        parity["SavedModel"] = compare(model, lambda pair: _arrays(loaded, pair), pairs)
        for form in FORMS:
            ranges = (lambda: iter(pairs)) if form == "int8" else None
            content = convert(model, size, form, ranges=ranges)
            row, call = f"TFLite {form}", open_tflite(content, cores())
            bytes_of[row], calls[row] = len(content), functools.partial(call, pairs[0])
            parity[row] = compare(model, call, pairs)
        times = alternate(calls, args.rounds)
    rows = [_row(form, bytes_of[form], times, parity.get(form)) for form in times]
    head = ["", "MiB", "ms", "speed / Keras", "image", "flows, px", "masks", "SSIM"]
    heading = f"{name}, {size[0]} x {size[1]}, batch 1, {cores()} threads; largest differences from Keras"
    report.table(heading, head, rows)
    for form, limit in LIMITS.items():
        worst = max(value for key, value in parity[f"TFLite {form}"].items() if key != "ssim")
        report.target(f"{name}: {form}'s largest difference / {limit:g}", worst / limit, "at most", 1)


def _row(form, size, times, parity):
    cells = [f"{size / MIB:.2f}", milliseconds(times[form])]
    cells.append(f"{times['Keras'].median / times[form].median:.2f}")
    if parity is None:
        return [form, *cells, *["–"] * 4]
    worst = [
        max(value for key, value in parity.items() if key.startswith(kind))
        for kind in ("image", "flow", "mask")
    ]
    return [form, *cells, *(f"{value:.1e}" for value in worst), f"{parity['ssim']:.4f}"]


def _ask(model, values):
    return model.named_outputs(model(dict(zip(MODEL_INPUTS, values, strict=True)), training=False))


def _arrays(loaded, pair):
    given = {name: tf.constant(value) for name, value in pair.items()}
    return {name: value.numpy() for name, value in loaded.signatures["tensors"](**given).items()}


def _saved(model, folder):
    path = os.path.join(folder, "model.keras")
    model.save(path)
    return path


SECTIONS = {name: functools.partial(measure, name=name) for name in PRESETS}


def main(argv=None) -> int:
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
