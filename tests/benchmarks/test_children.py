"""Measurements in child processes."""

import time

import pytest

from benchmarks.children import alone, by_threads


def _candidates(slow):
    return {"slow": lambda: time.sleep(slow), "fast": lambda: time.sleep(slow / 8)}


def _fail():
    raise SystemExit(3)


def _threads():
    import tensorflow as tf

    return tf.config.threading.get_intra_op_parallelism_threads()


@pytest.mark.slow
def test_every_number_of_threads_is_measured_in_a_process():
    times = by_threads([1, 2], _candidates, (0.04,), repeats=2, turn_seconds=0.05)
    assert list(times) == [1, 2]
    for one in times.values():
        assert one["slow"].median >= 0.04
        assert one["fast"].median < one["slow"].median
    with pytest.raises(RuntimeError, match="exit code 3"):
        by_threads([1], _fail, ())
    assert alone(_threads, threads=1) == 1
