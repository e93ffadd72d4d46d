"""Measurements in processes of their own: with other numbers of threads, side by side and in turn."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from concurrent import futures

from benchmarks.timing import Times

TURN_SECONDS = 0.05  # a turn calls again and again for at least so long


def by_threads(counts, prepare, arguments, repeats: int = 8) -> dict[int, dict[str, Times]]:
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
    with futures.ProcessPoolExecutor(1, context, initializer=_use_threads, initargs=(threads,)) as pool:
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
    _use_threads(threads)
    candidates = prepare(*arguments)
    connection.send(list(candidates))
    with contextlib.suppress(EOFError):
        while True:
            connection.send(_turn(candidates[connection.recv()]))


def _use_threads(count):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _turn(call):
    """Seconds a call, over as many calls as fill a turn."""
    calls, began = 0, time.perf_counter()
    while True:
        call()
        calls += 1
        took = time.perf_counter() - began
        if took >= TURN_SECONDS:
            return took / calls
