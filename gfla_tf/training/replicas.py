"""Sums over the workers of a strategy."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf


def sum_over_workers(strategy: tf.distribute.Strategy, value: int) -> int:
    """Returns the sum of an integer over the workers of a strategy, all of which must call this function."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return value
    return int(_sum_function(strategy)(tf.constant(value, tf.int64)).numpy())


def any_worker(strategy: tf.distribute.Strategy, flag: bool) -> bool:
    """Returns whether a flag is True on any worker of a strategy. All workers must call this function."""
    return sum_over_workers(strategy, int(flag)) > 0


@functools.cache
def _sum_function(strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], tf.Tensor]:
    @tf.function
    def total(value):
        totals = strategy.run(
            lambda one: tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, one),
            args=(value,),
        )
        devices = strategy.experimental_local_results(totals)
        return devices[0] // len(devices)

    return total
