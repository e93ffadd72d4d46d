"""Sums over the replicas and over the workers of a strategy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


def sum_over_replicas(tensors: Any) -> Any:
    """Returns the sums over the replicas of a nested structure of tensors and None."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return tensors
    flat = tf.nest.flatten(tensors)
    given = [one for one in flat if one is not None]
    summed = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, given))
    return tf.nest.pack_sequence_as(tensors, [None if one is None else next(summed) for one in flat])


def sum_over_workers(strategy: tf.distribute.Strategy, value: float | np.ndarray) -> np.ndarray:
    """Returns the sum of a number or an array over the workers, all of which must call this function.

    Returns:
      float64, equal on all workers.
    """
    value = np.asarray(value, np.float64)
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return value
    return _sum_function(strategy)(tf.constant(value)).numpy()


def any_worker(strategy: tf.distribute.Strategy, flag: bool) -> bool:
    """Returns whether a flag is True on any worker of a strategy. All workers must call this function."""
    return bool(sum_over_workers(strategy, float(flag)) > 0)


@functools.cache
def _sum_function(strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], tf.Tensor]:
    @tf.function(reduce_retracing=True)
    def total(value):
        totals = strategy.run(
            lambda one: tf.distribute.get_replica_context().all_reduce(
                tf.distribute.ReduceOp.SUM,
                tf.identity(one),  # which is on the device of the replica
            ),
            args=(value,),
        )
        devices = strategy.experimental_local_results(totals)
        return devices[0] / len(devices)  # each device of a worker has added its value

    return total
