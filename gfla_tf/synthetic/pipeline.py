"""SyntheticPeople's batches as a `tf.data.Dataset`."""

from __future__ import annotations

import itertools

import tensorflow as tf

from gfla_tf.pose.batches import finish_batches


def make_dataset(batches, steps, image_size, sigma, repeat, heatmaps, truth, parts):
    """Wraps `batches(epoch=n)`, a generator function of NumPy batches, as a dataset of `steps` a pass.

    Every iteration over the dataset is the next epoch; with `repeat` one iteration runs through all epochs.
    `finish_batches` scales the images and draws the poses in TensorFlow's threads.
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
