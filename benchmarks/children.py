"""Measurements in child processes with given numbers of threads."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import time
from concurrent import futures
from pathlib import Path

from benchmarks.timing import Times

TURN_SECONDS = 0.1  # a turn repeats the call for at least this long


def by_threads(
    counts, prepare, arguments, repeats: int = 5, turn_seconds: float = TURN_SECONDS
) -> dict[int, dict[str, Times]]:
    """Times the same candidates, in turns, with different numbers of TensorFlow threads.

    Args:
      counts: numbers of threads, each used by one process.
      prepare: a module-level function; in each process `prepare(*arguments)` returns {name: function without
        arguments}.
      arguments: picklable objects.
      repeats: number of measured turns per candidate, after an unmeasured one.
      turn_seconds: minimum duration of a turn.

    Returns:
      {threads: {name: Times}}.

    Raises:
      RuntimeError: If a process ends early.
    """
    with contextlib.ExitStack() as stack:
        children = {
            count: stack.enter_context(_child(count, prepare, arguments, turn_seconds)) for count in counts
        }
        names = next(iter(children.values())).receive()
        for child in list(children.values())[1:]:
            child.receive()
        seconds = {count: {name: [] for name in names} for count in counts}
        for turn in range(repeats + 1):
            for name in names:
                for count in counts if turn % 2 else reversed(counts):
                    children[count].send(name)
                    took = children[count].receive()
                    if turn:
                        seconds[count][name].append(took)
    return {count: {name: Times.of(took) for name, took in one.items()} for count, one in seconds.items()}


def alone(function, *arguments, threads: int, side_by_side: int = 1):
    """Calls a module-level function in a child process and returns its result.

    Args:
      function: the function.
      *arguments: picklable objects.
      threads: number of TensorFlow threads of an operator.
      side_by_side: number of operators that run at the same time.

    Raises:
      concurrent.futures.process.BrokenProcessPool: If the process ends without a result.
    """
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(
        1, context, initializer=_use_threads, initargs=(threads, side_by_side)
    ) as pool:
        return pool.submit(function, *arguments).result()


class _Child:
    """The connection to a child process."""

    def __init__(self, connection, process):
        self.send = connection.send
        self._connection, self._process = connection, process

    def receive(self):
        try:
            return self._connection.recv()
        except EOFError as error:
            self._process.join()
            code = self._process.exitcode
            raise RuntimeError(f"a measuring process ended with exit code {code}") from error


@contextlib.contextmanager
def _child(threads, prepare, arguments, turn_seconds):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(
        target=_serve, args=(there, threads, prepare, arguments, turn_seconds), daemon=True
    )
    process.start()
    there.close()
    try:
        yield _Child(here, process)
    finally:
        here.close()
        process.join()


def _serve(connection, threads, prepare, arguments, turn_seconds):
    """Runs in the child process: times a turn of each candidate whose name is received."""
    _use_threads(threads, threads)
    candidates = prepare(*arguments)
    connection.send(list(candidates))
    with contextlib.suppress(EOFError):
        while True:
            connection.send(_turn(candidates[connection.recv()], threads, turn_seconds))


def _use_threads(within, side_by_side):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(within)
    tf.config.threading.set_inter_op_parallelism_threads(side_by_side)


def _turn(call, threads, seconds):
    """Mean seconds per call in a turn, after an unmeasured turn.

    The unmeasured turn shows which threads do the work. During the measured turn each of them is bound to a
    core (on Linux), because the scheduler otherwise may leave threads that wake each other for less than a
    millisecond on the same core.
    """
    if not hasattr(os, "sched_setaffinity"):
        _seconds_per_call(call, seconds)
        return _seconds_per_call(call, seconds)
    before = _ticks()
    _seconds_per_call(call, seconds)
    spent = {thread: ticks - before.get(thread, 0) for thread, ticks in _ticks().items()}
    busiest = sorted(spent, key=spent.get, reverse=True)[:threads]
    cores = os.sched_getaffinity(0)
    for thread, core in zip(busiest, itertools.cycle(sorted(cores)), strict=False):
        os.sched_setaffinity(thread, {core})
    try:
        return _seconds_per_call(call, seconds)
    finally:
        for thread in busiest:
            os.sched_setaffinity(thread, cores)


def _seconds_per_call(call, seconds):
    """Mean seconds per call, repeated for at least `seconds`."""
    calls, began = 0, time.perf_counter()
    while True:
        call()
        calls += 1
        took = time.perf_counter() - began
        if took >= seconds:
            return took / calls


def _ticks() -> dict[int, int]:
    """{thread: clock ticks that it has run} of this process, without the main thread."""
    ticks = {}
    for folder in Path("/proc/self/task").iterdir():
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks[int(folder.name)] = int(fields[11]) + int(fields[12])
    return {thread: spent for thread, spent in ticks.items() if thread != os.getpid()}
