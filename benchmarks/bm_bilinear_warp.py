"""The bilinear warp: compiled, in TensorFlow, and TensorFlow Addons' two samplers where they are installed.

    python -m benchmarks.bm_bilinear_warp
    python -m benchmarks.bm_bilinear_warp --json bilinear_warp.json

The forms take turns in one process; a cell says how many medians of the compiled form another one takes, with
its quartiles. the tf215 stack has TensorFlow Addons (docs/tf215.md); the first line that is printed says
whether it is there.
"""

from __future__ import annotations

import sys

import tensorflow as tf

from benchmarks import studies
from benchmarks.blocks import FASHION_COARSE, FASHION_FINE, Block
from benchmarks.forms import warp_forms
from benchmarks.graphs import calls_of
from benchmarks.reporting import run

PHOTOGRAPH = Block("photograph", 256, 256, 3, 0)
FINE, COARSE = (block.with_(name="features", n=0) for block in (FASHION_FINE, FASHION_COARSE))


def warp_calls(block, passes, names, times=1):
    """{(form, pass): function of no argument}; see `benchmarks.studies`."""
    upstream = tf.random.stateless_normal(block.shape, [0, 5])
    return calls_of(warp_forms(), (block.maps(), block.flow()), upstream, passes, names, times=times)


def compare(report, args):
    blocks = [PHOTOGRAPH, FINE, COARSE]
    if not args.quick:
        blocks += [block.with_(batch=8) for block in blocks]
    studies.compare(
        report, "bilinear_warp", warp_calls, [block.shrunk(args.shrink) for block in blocks], args
    )


SECTIONS = {"forms": compare}


def main(argv=None):
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
