"""What a served picture costs, whole and after its source is encoded, and what larger batches gain.

    python -m benchmarks.bm_serving
    python -m benchmarks.bm_serving --only split --check

The graphs are those of the exported SavedModel, of TensorFlow's own operators; decoding the photograph (JPEG,
one and a half times the model's size) and encoding the picture (PNG) are part of them. The presets are
untrained.
"""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf

from benchmarks.reporting import milliseconds, run, times_as_long
from benchmarks.timing import alternate
from gfla_tf.export.serving import Serving
from gfla_tf.images.io import encode_image
from gfla_tf.models import PersonImageGenerator

PRESETS = ("fashion", "synthetic")
BATCHES = (1, 2, 4)
STRIDE = 32  # sizes are multiples of it
WHOLE, ENCODE, RENDER = "serving_default", "encode_source", "render"


def split(report, args):
    """One source in one pose: whole, and in its two halves."""
    rows = []
    for preset in PRESETS:
        serving = _serving(preset, args.shrink)
        source, target = _request(serving.size, 1)
        functions = serving.concrete_functions()
        encoded = functions[ENCODE](**source)
        times = alternate(
            {
                WHOLE: lambda f=functions, s=source, t=target: _done(f[WHOLE](**s, **t)),
                ENCODE: lambda f=functions, s=source: _done(f[ENCODE](**s)),
                RENDER: lambda f=functions, e=encoded, t=target: _done(f[RENDER](**e, **t)),
            },
            args.rounds,
        )
        halves = [times_as_long(times[name], times[WHOLE]) for name in (ENCODE, RENDER)]
        rows.append([preset, milliseconds(times[WHOLE]), *halves])
        share = times[RENDER].median / times[WHOLE].median
        if preset == "fashion":
            report.target("fashion, one pose: render / serving_default", share, "at most", 0.8)
    head = ["one photograph, one pose", f"{WHOLE}, ms", f"{ENCODE} / it", f"{RENDER} / it"]
    report.table("One source encoded once", head, rows)


def batch(report, args):
    """Several photographs in one request."""
    serving = _serving("fashion", args.shrink)
    function = serving.concrete_functions()[WHOLE]
    requests = {count: _request(serving.size, count) for count in BATCHES}
    times = alternate(
        {count: lambda r=request: _done(function(**r[0], **r[1])) for count, request in requests.items()},
        args.rounds,
    )
    rows = [
        [str(count), milliseconds(one), times_as_long(one, times[1])]
        for count, one in ((count, times[count].over(count)) for count in BATCHES)
    ]
    report.table("fashion: rows of a request", ["rows", "ms a row", "a row / one alone"], rows)


def _serving(preset, shrink):
    model = PersonImageGenerator.from_preset(preset, load_weights=False)
    return Serving(model, tuple(max(STRIDE, side // shrink) for side in model.image_size))


def _request(size, count):
    """({source fields}, {target field}), all numbers fixed."""
    rng = np.random.default_rng(0)
    sides = [side * 3 // 2 for side in size]
    photo = np.kron(rng.integers(0, 256, (6, 6, 3)), np.ones((-(-sides[0] // 6), -(-sides[1] // 6), 1)))
    data = encode_image("a.jpg", photo[: sides[0], : sides[1]].astype(np.uint8))
    source, target = tf.constant(rng.uniform(0, sides, (2, count, 18, 2)), tf.float32)
    photos = tf.constant([data] * count)
    return {"source_bytes": photos, "source_keypoints": source}, {"target_keypoints": target}


def _done(outputs):
    """Waits until the outputs are there."""
    for value in outputs.values():
        value.numpy()


SECTIONS = {"split": split, "batch": batch}


def main(argv=None):
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
