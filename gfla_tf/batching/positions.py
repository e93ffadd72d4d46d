"""The positions of the pairs of each batch: from which batch on, and which part of each."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf

_ENDLESS = 2**48  # batches


def batch_positions(
    count: int,
    batch_size: int,
    *,
    repeat: bool = False,
    start: int = 0,
    shard: tuple[int, int] | None = None,
) -> tf.data.Dataset:
    """Returns the positions of the pairs of each batch, for a `PairOrder`.

    Args:
      count: the number of pairs, n.
      batch_size: number of pairs per batch, B.
      repeat: if True, batch k has the positions k B to (k + 1) B - 1, without an end; batches are always full
        and may contain the last pairs of an epoch and the first ones of the next. If False, an iteration
        over the dataset is one epoch, the next iteration is the next epoch, and the last batch may be
        smaller.
      start: the number of the first batch; the batches before it cost nothing.
      shard: (index, shards): only the part `index` of the rows of each batch. Row r of b rows is in part i if
        floor(i b / shards) <= r < floor((i + 1) b / shards), so that the parts of all shards, one after the
        other, are the batch.

    Returns:
      A dataset of int64 [B], or of the part's length.

    Raises:
      ValueError: the batch size is less than 1, `start` is negative, the shard is not one of its shards, or
        there is no pair to repeat.
    """
    index, shards = _check(batch_size, start, shard)
    if repeat and count == 0:
        raise ValueError("a split without pairs cannot be repeated")

    def rows(first: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
        return first + tf.range(index * size // shards, (index + 1) * size // shards, dtype=tf.int64)

    if repeat:
        length = (index + 1) * batch_size // shards - index * batch_size // shards
        numbers = tf.data.Dataset.range(start, _ENDLESS)  # unlike `counter`, a data service can divide it
        positions = numbers.map(lambda k: tf.ensure_shape(rows(k * batch_size, batch_size), [length]))
        return positions.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

    steps = -(-count // batch_size)
    epochs = itertools.count()

    def epoch(_: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(lambda: np.int64(next(epochs)), [], tf.int64), [])

    def batches(epoch: tf.Tensor) -> tf.data.Dataset:
        def positions(k: tf.Tensor) -> tf.Tensor:
            return rows(epoch * count + k * batch_size, tf.minimum(count - k * batch_size, batch_size))

        return tf.data.Dataset.range(start, steps).map(positions)

    dataset = tf.data.Dataset.range(1).map(epoch).flat_map(batches)
    return dataset.apply(tf.data.experimental.assert_cardinality(max(0, steps - start)))


def _check(batch_size: int, start: int, shard: tuple[int, int] | None) -> tuple[int, int]:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if start < 0:
        raise ValueError(f"start must be at least 0, got {start}")
    index, shards = (0, 1) if shard is None else shard
    if not 0 <= index < shards:
        raise ValueError(f"shard must be (index, shards) with 0 <= index < shards, got {shard}")
    return index, shards
