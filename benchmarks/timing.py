"""Times and peak memory, measured alike in every benchmark.

Candidates are alternated in one process, so that a slow minute of the machine strikes all of them, and are
reported as medians with quartiles: a mean would report the machine's worst moment.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Times:
    """Seconds a call: the median, and the quartiles `low` and `high` between which half of the calls lie."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds) -> Times:
        """Of the calls' seconds."""
        return cls(*map(float, np.quantile(seconds, [0.5, 0.25, 0.75])))

    def over(self, count: int) -> Times:
        """Of one of the `count` pieces of work that each call did."""
        return Times(self.median / count, self.low / count, self.high / count)


def alternate(candidates: dict, repeats: int = 10, warmup: int = 2) -> dict[str, Times]:
    """Calls {name: function of no argument} in turn: `warmup` unmeasured and `repeats` measured rounds.

    A function must return only when its work is done (`.numpy()` of a result, on a GPU). The order of a round
    turns from round to round.

    Raises:
      ValueError: no candidate, or fewer than one repeat.
    """
    if not candidates or repeats < 1:
        raise ValueError(f"needs candidates and repeats >= 1, got {len(candidates)} and {repeats}")
    names = list(candidates)
    seconds = {name: [] for name in names}
    for round_number in range(warmup + repeats):
        turn = round_number % len(names)
        for name in names[turn:] + names[:turn]:
            began = time.perf_counter()
            candidates[name]()
            if round_number >= warmup:
                seconds[name].append(time.perf_counter() - began)
    return {name: Times.of(seconds[name]) for name in names}


def table(times: dict[str, Times], baseline: str, work: float | None = None, unit: str = "items") -> str:
    """A Markdown table: milliseconds a call with quartiles, speed as a share of the baseline's, and rates.

    Args:
      times: what `alternate` returns.
      baseline: the name whose speed is 1.00; above 1 is faster than it.
      work: how many `unit` one call does; None: no column of rates.
    """
    head = ["", "ms", "quartiles", f"speed / {baseline}"]
    rows = []
    for name, value in times.items():
        spread = f"{value.low * 1e3:.2f} – {value.high * 1e3:.2f}"
        row = [name, f"{value.median * 1e3:.2f}", spread, f"{times[baseline].median / value.median:.2f}"]
        rows.append(row if work is None else [*row, f"{work / value.median:,.1f}"])
    return markdown(head if work is None else [*head, f"{unit} / s"], rows)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """An aligned Markdown table: the first column to the left, the others to the right."""
    widths = [max(3, *(len(row[column]) for row in [head, *rows])) for column in range(len(head))]

    def line(cells):
        aligned = [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(aligned)} |"

    rule = [("-" * width if not column else "-" * (width - 1) + ":") for column, width in enumerate(widths)]
    return "\n".join([line(head), f"| {' | '.join(rule)} |", *map(line, rows)])


def peak_memory(prepare, *arguments) -> int:
    """Bytes by which a call raises the resident memory of a process of its own, at its peak.

    Args:
      prepare: a function at the top of a module. In a fresh process `prepare(*arguments)` makes ready and
        returns the function of no argument that is measured; memory that was touched before does not count.
      arguments: anything that can be pickled.

    Raises:
      RuntimeError: the process ended without a figure.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_peak, args=(sender, prepare, arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError as error:
        process.join()
        raise RuntimeError(f"the measured process ended with exit code {process.exitcode}") from error
    finally:
        process.join()


def _measure_peak(sender, prepare, arguments):
    call = prepare(*arguments)
    _give_back()
    before = _reset_peak()
    call()
    sender.send(max(0, _peak() - before))


def _give_back():
    """Hands free memory back to the system where the C library can (glibc), so that using it again counts."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak() -> int:
    """The resident bytes of now, from which the peak counts anew where the system can do that (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
    return _peak()


def _peak() -> int:
    """The peak of the resident memory in bytes; on Linux since `_reset_peak`, elsewhere of the process."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
