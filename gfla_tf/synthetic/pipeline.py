"""The `tf.data` pipeline of SyntheticPeople."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from gfla_tf.pose.network_inputs import finish_batches


def make_dataset(
    batches: Callable[..., Iterator[dict[str, np.ndarray]]],
    steps: int,
    image_size: tuple[int, int],
    sigma: float,
    repeat: bool,
    heatmaps: bool,
    truth: bool,
    parts: bool,
) -> tf.data.Dataset:
    """Wraps a generator of NumPy batches as a `tf.data.Dataset`.

    Every iteration over the dataset is the next epoch. TensorFlow's threads scale the images and compute the
    heatmaps (`finish_batches`).

    Args:
      batches: a generator function, called as batches(epoch=n).
      steps: number of batches per epoch.
      image_size: (H, W) in pixels.
      sigma: standard deviation of the heatmaps in pixels.
      repeat: whether one iteration runs through all epochs, without an end.
      heatmaps: whether to add the pose heatmaps.
      truth: whether the batches contain flow and visibility.
      parts: whether the batches contain part labels.
    """
    height, width = image_size
    passes = itertools.count()

    def generate():
        if repeat:
            for epoch in itertools.count():
                yield from batches(epoch=epoch)
        else:
            yield from batches(epoch=next(passes))

    signature = {}
    for role in ("source", "target"):
        signature[f"{role}_image"] = tf.TensorSpec((None, height, width, 3), tf.uint8)
        signature[f"{role}_keypoints"] = tf.TensorSpec((None, 18, 2), tf.float32)
        if parts:
            signature[f"{role}_parts"] = tf.TensorSpec((None, height, width), tf.uint8)
    if truth:
        signature["flow"] = tf.TensorSpec((None, height, width, 2), tf.float32)
        signature["visibility"] = tf.TensorSpec((None, height, width), tf.float32)

    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    dataset = dataset.apply(
        tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY if repeat else steps)
    )
    return finish_batches(dataset, image_size, sigma, heatmaps=heatmaps)
