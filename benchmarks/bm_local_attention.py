"""The local attention operator and layer: compiled, fused TensorFlow operators, and explicit patches.

    python -m benchmarks.bm_local_attention
    python -m benchmarks.bm_local_attention --check --json local_attention.json --plot local_attention.png

The implementations alternate in one process. A cell contains the median and the quartiles of a time, divided
by the median of the compiled operator. Peak memory is measured in one process per implementation; numbers of
threads are compared between processes that run side by side.
"""

from __future__ import annotations

import sys

from benchmarks import studies
from benchmarks.blocks import FASHION_COARSE, FASHION_FINE, MARKET
from benchmarks.forms import (
    CONVOLUTIONS,
    EXTRACTED,
    FUSED,
    NATIVE,
    READS,
    attention_forms,
    layer_convolutions,
    layer_forms,
)
from benchmarks.graphs import calls_of, forward
from benchmarks.reporting import run
from benchmarks.studies import BOTH, FORWARD, PASSES, power
from gfla_tf import ops


def operator_calls(block, passes, names, times=1):
    """{(form, pass): function of no argument}; see `benchmarks.studies`."""
    inputs = (block.maps(), block.flow(), block.kernels())
    return calls_of(attention_forms(block.n), inputs, block.maps(1), passes, names, times=times)


def layer_calls(block, passes, names, times=1):
    """As `operator_calls`, for the layer and with the gradients of its weights."""
    inputs = (block.maps(), block.maps(1), block.flow())
    layers = layer_forms(block)
    weights = {name: weights for name, (_, weights) in layers.items()}
    functions = {name: function for name, (function, _) in layers.items()}
    return calls_of(functions, inputs, block.maps(2), passes, names, weights, times)


def _convolutions(block):
    return {(CONVOLUTIONS, FORWARD): forward(*layer_convolutions(block))}


def compare_operator(report, args):
    """Times of all implementations of the operator."""
    blocks = [FASHION_FINE, FASHION_COARSE, MARKET]
    if not args.quick:
        blocks += [FASHION_FINE.with_(batch=8), FASHION_COARSE.with_(batch=8)]
    blocks = [block.shrunk(args.shrink) for block in blocks]
    times = studies.compare(report, "local_attention", operator_calls, blocks, args)[blocks[0]]
    if ops.native_available():
        for kind in PASSES:
            speed = times[FUSED, kind].median / times[NATIVE, kind].median
            report.target(f"local_attention, {kind}: TF fused / native", speed, "at least", 5)


def compare_layer(report, args):
    """Times of all implementations of the layer, and of its convolutions alone."""
    blocks = [block.shrunk(args.shrink) for block in (FASHION_FINE, FASHION_COARSE, MARKET)]
    times = studies.compare(report, "LocalAttention", layer_calls, blocks, args, _convolutions)[blocks[0]]
    if ops.native_available():
        share = times[NATIVE, FORWARD].median / times[CONVOLUTIONS, FORWARD].median
        report.target("LocalAttention, forward: native / its convolutions alone", share, "at most", 1.3)
        speed = min(times[name, BOTH].median for name in (READS, EXTRACTED)) / times[NATIVE, BOTH].median
        name = "LocalAttention, forward + backward: the faster patches / native"
        report.target(name, speed, "at least", 2)


def grow(report, args):
    """Times against n and against H*W."""
    base = FASHION_FINE.shrunk(args.shrink)
    by_n, by_area = studies.grow(report, "local_attention", operator_calls, base, args)
    if ops.native_available():
        by_reads = {(n + 1) ** 2: times[NATIVE] for n, times in by_n.items()}
        by_area = {area: times[NATIVE] for area, times in by_area.items()}
        name = "local_attention, forward: time grows with (n+1)^2 to the power of"
        report.target(name, power(by_reads), "at most", 1)
        report.target(name.replace("(n+1)^2", "H*W"), power(by_area), "at most", LINEAR)


def use_threads(report, args):
    """Speed against the number of threads."""
    block = FASHION_FINE.shrunk(args.shrink)
    names = [NATIVE, FUSED]
    times = studies.use_threads(report, "local_attention", operator_calls, names, block, args)
    if ops.native_available() and 2 in times:
        for kind in PASSES:
            one, two = (times[count][f"{NATIVE}, {kind}"].median for count in (1, 2))
            report.target(f"local_attention, {kind}: speed of 2 threads / 1", one / two, "at least", 1.7)


def use_memory(report, args):
    """Peak memory of the operator and the layer."""
    block = FASHION_FINE.shrunk(args.shrink)
    calls = {"local_attention": operator_calls, "LocalAttention": layer_calls}
    peaks = studies.use_memory(report, calls, list(attention_forms(block.n)), block)
    if ops.native_available():
        leaner = min(peaks["LocalAttention", name, BOTH] for name in (READS, EXTRACTED))
        share = peaks["LocalAttention", NATIVE, BOTH] / leaner
        name = "LocalAttention, forward + backward: peak memory / the smaller of the patches'"
        report.target(name, share, "at most", 0.25)


LINEAR = 1.05  # linear, plus 5 % for data that no longer fits into the caches
SECTIONS = {
    "operator": compare_operator,
    "layer": compare_layer,
    "growth": grow,
    "threads": use_threads,
    "memory": use_memory,
}


def main(argv=None):
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
