"""Cost of a served image: in one request, with a source encoded once, and in larger batches.

    python -m benchmarks.bm_serving
    python -m benchmarks.bm_serving --only split --check

The graphs are those of the exported SavedModel, which contain only TensorFlow's own operators. They include
decoding the photo (a JPEG file of 1.5 times the model's size) and encoding the result (PNG). The networks
have random initial weights.
"""

from __future__ import annotations

import functools
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
STRIDE = 32  # image sizes are multiples of it
WHOLE, ENCODE, RENDER = "serving_default", "encode_source", "render"


def split(report, args):
    """One source image in one pose: in one request, and in two."""
    rows = []
    for preset in PRESETS:
        size, functions = _serving(preset, args.shrink)
        source, target = _request(size, 1)
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
    head = ["one photo, one pose", f"{WHOLE}, ms", f"{ENCODE} / it", f"{RENDER} / it"]
    report.table("One source encoded once", head, rows)


def batch(report, args):
    """Several photos in one request."""
    size, functions = _serving("fashion", args.shrink)
    function = functions[WHOLE]
    requests = {count: _request(size, count) for count in BATCHES}
    times = alternate(
        {count: lambda r=request: _done(function(**r[0], **r[1])) for count, request in requests.items()},
        args.rounds,
    )
    rows = [
        [str(count), milliseconds(one), times_as_long(one, times[1])]
        for count, one in ((count, times[count].over(count)) for count in BATCHES)
    ]
    report.table("fashion: rows of a request", ["rows", "ms per row", "per row / one alone"], rows)


@functools.cache
def _serving(preset, shrink):
    """(the image size, {signature: its concrete function})."""
    model = PersonImageGenerator.from_preset(preset, load_weights=False)
    serving = Serving(model, tuple(max(STRIDE, side // shrink) for side in model.image_size))
    return serving.size, serving.concrete_functions()


def _request(size, count):
    """({name: source field}, {name: target field}), the same in every run."""
    rng = np.random.default_rng(0)
    sides = [side * 3 // 2 for side in size]
    photo = np.kron(rng.integers(0, 256, (6, 6, 3)), np.ones((-(-sides[0] // 6), -(-sides[1] // 6), 1)))
    data = encode_image("a.jpg", photo[: sides[0], : sides[1]].astype(np.uint8))
    source, target = tf.constant(rng.uniform(0, sides, (2, count, 18, 2)), tf.float32)
    photos = tf.constant([data] * count)
    return {"source_bytes": photos, "source_keypoints": source}, {"target_keypoints": target}


def _done(outputs):
    """Waits until the outputs are computed."""
    for value in outputs.values():
        value.numpy()


SECTIONS = {"split": split, "batch": batch}


def main(argv=None):
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
