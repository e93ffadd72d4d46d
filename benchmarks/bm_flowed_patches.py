"""Flowed patches: the compiled operator, one bilinear read per tap, and tf.image.extract_patches.

    python -m benchmarks.bm_flowed_patches
    python -m benchmarks.bm_flowed_patches --json flowed_patches.json --plot flowed_patches.png

The implementations alternate in one process. A cell contains the median and the quartiles of a time, divided
by the median of the compiled operator. The last column is `tf.fill` of as many bytes as the patches have.
"""

from __future__ import annotations

import sys

import tensorflow as tf

from benchmarks import studies
from benchmarks.blocks import FASHION_COARSE, FASHION_FINE, MARKET
from benchmarks.forms import EXTRACTED, NATIVE, patch_forms
from benchmarks.graphs import calls_of, forward
from benchmarks.reporting import run

FILL = "a fill of that size"


def patch_calls(block, passes, names, times=1):
    """{(form, pass): function of no argument}; see `benchmarks.studies`."""
    upstream = tf.random.stateless_normal(_patch_shape(block), [0, 5])
    inputs = (block.maps(), block.flow())
    return calls_of(patch_forms(block.n), inputs, upstream, passes, names, times=times)


def _patch_shape(block):
    return (*block.shape[:3], block.n**2, block.channels)


def _fill(block):
    inputs = tf.constant(_patch_shape(block)), tf.constant(1.0)
    return {(FILL, studies.FORWARD): forward(tf.fill, inputs)}


def compare(report, args):
    """Times of all implementations."""
    blocks = [FASHION_FINE, FASHION_COARSE, MARKET]
    if not args.quick:
        blocks += [FASHION_FINE.with_(batch=8), FASHION_COARSE.with_(batch=8)]
    blocks = [block.shrunk(args.shrink) for block in blocks]
    studies.compare(report, "flowed_patches", patch_calls, blocks, args, _fill)


def grow(report, args):
    """Times against n and against H*W."""
    studies.grow(report, "flowed_patches", patch_calls, FASHION_FINE.shrunk(args.shrink), args)


def use_threads(report, args):
    """Speed against the number of threads."""
    block = FASHION_FINE.shrunk(args.shrink)
    studies.use_threads(report, "flowed_patches", patch_calls, [NATIVE, EXTRACTED], block, args)


def use_memory(report, args):
    """Peak memory."""
    block = FASHION_FINE.shrunk(args.shrink)
    studies.use_memory(report, {"flowed_patches": patch_calls}, list(patch_forms(block.n)), block)


SECTIONS = {"forms": compare, "growth": grow, "threads": use_threads, "memory": use_memory}


def main(argv=None):
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
