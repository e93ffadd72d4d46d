"""Reading of SyntheticPeople in a `tf.data` pipeline."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gfla_tf.batching.order import PairOrder
from gfla_tf.batching.rows import RowReader

from .batches import ReadRows


def row_reader(
    rows: ReadRows,
    order: PairOrder,
    image_size: tuple[int, int],
    *,
    truth: bool,
    parts: bool,
    parallel: bool,
) -> RowReader:
    """Returns a reader of pairs.

    Args:
      rows: a function that returns pairs (`gfla_tf.synthetic.batches`).
      order: the order of the pairs.
      image_size: (H, W) in pixels.
      truth: whether to read flow and visibility.
      parts: whether to read part labels.
      parallel: whether to read several batches at the same time.
    """
    specs = _specs(image_size, truth, parts)

    def read(positions: np.ndarray) -> list[np.ndarray]:
        if len(positions) == 0:
            return [np.empty((0, *spec.shape), spec.dtype.as_numpy_dtype) for spec in specs.values()]
        batch = rows(order.pairs(positions))
        return [batch[name] for name in specs]

    return RowReader(read, specs, parallel)


def _specs(image_size: tuple[int, int], truth: bool, parts: bool) -> dict[str, tf.TensorSpec]:
    specs = {}
    for role in ("source", "target"):
        specs[f"{role}_image"] = tf.TensorSpec((*image_size, 3), tf.uint8)
        specs[f"{role}_keypoints"] = tf.TensorSpec((18, 2), tf.float32)
        if parts:
            specs[f"{role}_parts"] = tf.TensorSpec(image_size, tf.uint8)
    if truth:
        specs["flow"] = tf.TensorSpec((*image_size, 2), tf.float32)
        specs["visibility"] = tf.TensorSpec(image_size, tf.float32)
    return specs
