"""Measurements in processes of their own: with other numbers of threads, side by side and in turn."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import time
from concurrent import futures
from pathlib import Path

from benchmarks.timing import Times

TURN_SECONDS = 0.1  # a turn calls again and again for at least so long


def by_threads(counts, prepare, arguments, repeats: int = 5) -> dict[int, dict[str, Times]]:
    """The same candidates with different numbers of TensorFlow's threads, taking turns.

    Args:
      counts: numbers of threads; one process each.
      prepare: a function at the top of a module; in each process `prepare(*arguments)` returns {name:
        function of no argument}.
      arguments: anything that can be pickled.
      repeats: measured turns of each candidate, after one that does not count.

    Returns:
      {threads: {name: Times}}.

    Raises:
      RuntimeError: a process ended early.
    """
    with contextlib.ExitStack() as stack:
        children = {count: stack.enter_context(_child(count, prepare, arguments)) for count in counts}
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


def alone(function, *arguments, threads: int):
    """The result of a function at the top of a module, called in a process of its own.

    threads: TensorFlow's threads there; one operator runs at a time.

    Raises:
      concurrent.futures.process.BrokenProcessPool: the process ended without a result.
    """
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(1, context, initializer=_use_threads, initargs=(threads, 1)) as pool:
        return pool.submit(function, *arguments).result()


class _Child:
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
def _child(threads, prepare, arguments):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, threads, prepare, arguments), daemon=True)
    process.start()
    there.close()
    try:
        yield _Child(here, process)
    finally:
        here.close()
        process.join()


def _serve(connection, threads, prepare, arguments):
    _use_threads(threads, threads)
    candidates = prepare(*arguments)
    connection.send(list(candidates))
    with contextlib.suppress(EOFError):
        while True:
            connection.send(_turn(candidates[connection.recv()], threads))


def _use_threads(within, side_by_side):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(within)
    tf.config.threading.set_inter_op_parallelism_threads(side_by_side)


def _turn(call, threads):
    """Seconds a call, over as many calls as fill a turn, after a turn that does not count.

    That one tells which threads do the work, and the other keeps them on cores of their own (Linux): threads
    that wake each other for less than a millisecond are else left on one core together, or not, by chance.
    """
    if not hasattr(os, "sched_setaffinity"):
        _seconds_a_call(call)
        return _seconds_a_call(call)
    before = _ticks()
    _seconds_a_call(call)
    spent = {thread: ticks - before.get(thread, 0) for thread, ticks in _ticks().items()}
    busiest = sorted(spent, key=spent.get, reverse=True)[:threads]
    cores = os.sched_getaffinity(0)
    for thread, core in zip(busiest, itertools.cycle(sorted(cores)), strict=False):
        os.sched_setaffinity(thread, {core})
    try:
        return _seconds_a_call(call)
    finally:
        for thread in busiest:
            os.sched_setaffinity(thread, cores)


def _seconds_a_call(call):
    calls, began = 0, time.perf_counter()
    while True:
        call()
        calls += 1
        took = time.perf_counter() - began
        if took >= TURN_SECONDS:
            return took / calls


def _ticks() -> dict[int, int]:
    """{thread: clock ticks it has run} of this process's threads, without the first."""
    ticks = {}
    for folder in Path("/proc/self/task").iterdir():
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks[int(folder.name)] = int(fields[11]) + int(fields[12])
    return {thread: spent for thread, spent in ticks.items() if thread != os.getpid()}
