"""The `tf.data` pipeline of SyntheticPeople."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gfla_tf.batching.order import PairOrder
from gfla_tf.batching.rows import RowReader
from gfla_tf.pose.network_inputs import finish_batches

from .batches import ReadRows


def make_dataset(
    positions: tf.data.Dataset,
    order: PairOrder,
    rows: ReadRows,
    image_size: tuple[int, int],
    sigma: float,
    *,
    parallel: bool,
    heatmaps: bool,
    truth: bool,
    parts: bool,
) -> tf.data.Dataset:
    """Reads batches of pairs. TensorFlow's threads scale the images and compute the heatmaps.

    Args:
      positions: the positions of the pairs of each batch.
      order: the order of the pairs.
      rows: a function that returns pairs (`gfla_tf.synthetic.batches`).
      image_size: (H, W) in pixels.
      sigma: standard deviation of the heatmaps in pixels.
      parallel: whether several batches are read at the same time.
      heatmaps: whether to add the pose heatmaps.
      truth: whether the batches contain flow and visibility.
      parts: whether the batches contain part labels.
    """
    specs = _specs(image_size, truth, parts)

    def read(positions: np.ndarray) -> list[np.ndarray]:
        if len(positions) == 0:
            return [np.empty((0, *spec.shape), spec.dtype.as_numpy_dtype) for spec in specs.values()]
        batch = rows(order.pairs(positions))
        return [batch[name] for name in specs]

    reader = RowReader(read, specs)
    if parallel:
        return finish_batches(positions, image_size, sigma, heatmaps=heatmaps, load=reader)
    return finish_batches(positions.map(reader), image_size, sigma, heatmaps=heatmaps)


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
