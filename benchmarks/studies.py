"""Comparisons of implementations: their times, scaling, use of threads and memory.

A study takes `calls`, a module-level function: `calls(block, passes, names, times)` returns {(form, pass):
function without arguments} for a `benchmarks.blocks.Block`, for all forms if `names` is None; each of the
functions does the work `times` times.
"""

from __future__ import annotations

import numpy as np

from benchmarks.children import TURN_SECONDS, by_threads
from benchmarks.environment import cores
from benchmarks.reporting import milliseconds, times_as_long
from benchmarks.timing import alternate, peak_memory

FORWARD, BOTH = "forward", "forward + backward"
PASSES = (FORWARD, BOTH)
SIZES = (3, 5, 7, 9)  # n
SIDES = (16, 32, 64, 128)  # H = W
TIMES = 4  # repetitions of the work in one graph when threads are compared
MIB = 2**20


def compare(report, heading, calls, blocks, args, extra=None) -> dict:
    """Adds a table of all forms at all blocks.

    Args:
      report: a `benchmarks.reporting.Report`.
      heading: the name of the operator.
      calls: see the module's docstring.
      blocks: the compared sizes.
      args: the command line's arguments.
      extra: a function of a block that returns additional candidates, or None.

    Returns:
      {block: {(form, pass): Times}}.
    """
    measured = {}
    for block in blocks:
        rounds = args.rounds if block.batch == 1 else max(3, args.rounds // 4)
        candidates = {**calls(block, PASSES, None), **(extra(block) if extra else {})}
        measured[block] = alternate(candidates, rounds, warmup=1)
    names = list(dict.fromkeys(name for name, _ in candidates))
    baseline, *others = names
    rows = []
    for block, times in measured.items():
        for kind in PASSES:
            ours = times[baseline, kind]
            cells = [times_as_long(times[one, kind], ours) if (one, kind) in times else "–" for one in others]
            rows.append([f"{block.label}, {kind}", milliseconds(ours), *cells])
    report.table(f"{heading}: time / time of {baseline}", ["", f"{baseline}, ms", *others], rows)
    return measured


def grow(report, noun, calls, base, args) -> tuple[dict, dict]:
    """Adds tables and plots of the forward pass; returns {n: {form: Times}} and {H*W: {form: Times}}."""

    def forward_times(block):
        times = alternate(calls(block, [FORWARD], None), args.rounds, warmup=1)
        return {name: value for (name, _), value in times.items()}

    by_n = {n: forward_times(base.with_(n=n)) for n in SIZES}
    sides = [side // args.shrink for side in SIDES if side >= base.n * args.shrink]
    by_area = {side**2: forward_times(base.with_(height=side, width=side)) for side in sides}
    size = f"{base.height}x{base.width}x{base.channels}"
    for label, of, measured in (("n", size, by_n), ("H*W", f"C={base.channels}, n={base.n}", by_area)):
        names = list(next(iter(measured.values())))
        rows = [[f"{x}", *(milliseconds(times[name]) for name in names)] for x, times in measured.items()]
        report.table(f"{noun}, forward, {of}: ms by {label}", [label, *names], rows)
        series = {name: [(x, times[name].median * 1e3) for x, times in measured.items()] for name in names}
        report.panel(title=f"{noun}, forward, {of}", x_label=label, y_label="ms", series=series)
    return by_n, by_area


def power(curve: dict) -> float:
    """The p of the c * x^p that fits the medians of {x: Times}, by least squares of logarithms."""
    medians = [times.median for times in curve.values()]
    return float(np.polyfit(np.log(list(curve)), np.log(medians), 1)[0])


def use_threads(report, noun, calls, names, block, args) -> dict:
    """Adds a table of speeds by the number of threads; returns {threads: {"form, pass": Times}}.

    The measured graphs do the work TIMES times, to reduce the influence of Python's overhead per call.
    """
    counts = sorted({1, min(2, cores()), cores()})
    repeats, seconds = (2, 0.01) if args.quick else (max(3, args.rounds // 2), TURN_SECONDS)
    measured = by_threads(counts, _thread_calls, (calls, names, block), repeats, seconds)
    rows = []
    for name, one in measured[1].items():
        speeds = (f"{one.median / measured[count][name].median:.2f}" for count in counts[1:])
        rows.append([name, milliseconds(one.over(TIMES)), *speeds])
    head = ["", "1 thread, ms", *(f"{count} threads, speed" for count in counts[1:])]
    report.table(f"{noun}, {block.label}: threads", head, rows)
    return measured


def _thread_calls(calls, names, block):
    return {", ".join(key): call for key, call in calls(block, PASSES, names, TIMES).items()}


def use_memory(report, calls, names, block) -> dict:
    """Adds a table of peak memory, measured in one process per cell.

    Args:
      report: a `benchmarks.reporting.Report`.
      calls: {name of the operator: calls}; see the module's docstring.
      names: the measured forms.
      block: the size.

    Returns:
      {(name of the operator, form, pass): MiB}.
    """
    peaks, rows = {}, []
    for noun, one in calls.items():
        for kind in PASSES:
            for name in names:
                peaks[noun, name, kind] = peak_memory(_memory_call, one, block, name, kind) / MIB
            rows.append([f"{noun}, {kind}", *(f"{peaks[noun, name, kind]:.0f}" for name in names)])
    report.table(f"Peak memory of a call, MiB, {block.label}", ["", *names], rows)
    return peaks


def _memory_call(calls, block, name, kind):
    """The call at full size, after a call at a small size that loads libraries."""
    calls(block.with_(height=block.n, width=block.n), [kind], [name])[name, kind]()
    return calls(block, [kind], [name])[name, kind]
