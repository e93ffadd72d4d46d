"""Bilinear warp: the compiled operator, TensorFlow operators, and two samplers of TensorFlow Addons.

    python -m benchmarks.bm_bilinear_warp
    python -m benchmarks.bm_bilinear_warp --json bilinear_warp.json

The implementations alternate in one process. A cell contains the median and the quartiles of a time, divided
by the median of the compiled operator. TensorFlow Addons is part of the tf215 stack (docs/tf215.md); its
samplers are skipped if it is not installed, as the first line of the output reports.
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
    """Times of all implementations."""
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
