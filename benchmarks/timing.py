"""Measurement of times and peak memory.

Candidates alternate in one process, so that other load on the machine affects all of them. Results are
medians with quartiles, which are robust against outliers.
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
    """Seconds per call: the median, and the lower and upper quartiles `low` and `high`."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds) -> Times:
        """The statistics of a list of seconds."""
        return cls(*map(float, np.quantile(seconds, [0.5, 0.25, 0.75])))

    def over(self, count: int) -> Times:
        """The times divided by `count`, the number of repetitions of the work in one call."""
        return Times(self.median / count, self.low / count, self.high / count)


def alternate(candidates: dict, repeats: int = 10, warmup: int = 2) -> dict[str, Times]:
    """Times candidates in turn.

    Args:
      candidates: {name: function without arguments}. A function must wait for its result (on a GPU, for
        example, by calling `.numpy()`).
      repeats: number of measured rounds.
      warmup: number of unmeasured rounds before them. The order rotates from round to round.

    Returns:
      {name: Times}.

    Raises:
      ValueError: If there is no candidate or `repeats` is less than 1.
    """
    if not candidates or repeats < 1:
        raise ValueError(
            "candidates must not be empty and repeats must be at least 1, "
            f"got {len(candidates)} and {repeats}"
        )
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
    """A Markdown table of milliseconds per call, quartiles, relative speed, and rates.

    Args:
      times: the result of `alternate`.
      baseline: the name of the candidate whose speed is 1.00; larger is faster.
      work: the number of `unit` per call, or None for no column of rates.
      unit: the unit of the rates, in the plural.
    """
    head = ["", "ms", "quartiles", f"speed / {baseline}"]
    rows = []
    for name, value in times.items():
        spread = f"{value.low * 1e3:.2f} – {value.high * 1e3:.2f}"
        row = [name, f"{value.median * 1e3:.2f}", spread, f"{times[baseline].median / value.median:.2f}"]
        rows.append(row if work is None else [*row, f"{work / value.median:,.1f}"])
    return markdown(head if work is None else [*head, f"{unit} / s"], rows)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table with aligned columns: the first one to the left, the others to the right."""
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
    """The peak resident memory of a call in a new process, minus the memory that was in use before the call.

    Args:
      prepare: a module-level function. In the new process `prepare(*arguments)` returns the measured
        function, which takes no arguments.
      *arguments: picklable objects.

    Returns:
      The peak in bytes.

    Raises:
      RuntimeError: If the process ends without a result.
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
    release_free_memory()
    before = reset_peak()
    call()
    sender.send(max(0, peak() - before))


def release_free_memory():
    """Returns free memory to the system if the C library can (glibc), so that using it again is measured."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def reset_peak() -> int:
    """Resets the peak to the current resident memory, if the system can (Linux); returns it in bytes."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
    return peak()


def peak() -> int:
    """The peak resident memory in bytes: since `reset_peak` on Linux, else since the process started."""
    return _status("VmHWM")


def resident() -> int:
    """The resident memory in bytes on Linux, else its peak since the process started."""
    return _status("VmRSS")


def _status(name):
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name)) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
