"""From images and keypoints to the batches that training reads; any dataset can use it."""

from __future__ import annotations

import contextlib
import re

import tensorflow as tf

from gfla_tf.data.framing import average_blocks, resize_bilinear
from gfla_tf.data.images import read_image
from gfla_tf.data.pose import pose_heatmaps
from gfla_tf.errors import InputError

_IMAGES = ("source_image", "target_image")
_FLOATS = ("source_keypoints", "target_keypoints", "flow", "visibility")
_PARTS = ("source_parts", "target_parts")


def finish_batches(
    batches: tf.data.Dataset,
    image_size: tuple[int, int],
    heatmap_sigma: float,
    *,
    heatmaps: bool = True,
    transform=None,
) -> tf.data.Dataset:
    """Scales the images of batches to [-1, 1], draws their poses and prefetches.

    Args:
      batches: dicts with `source_image`, `target_image` uint8 [B, H, W, 3], `source_keypoints`,
        `target_keypoints` [B, 18, 2] (y, x), and perhaps `flow` [B, H, W, 2], `visibility`, `source_parts`,
        `target_parts` [B, H, W]; other entries pass unchanged.
      image_size: (H, W) in pixels.
      heatmap_sigma: of the poses' Gaussians, in pixels.
      heatmaps: whether to add `source_pose` and `target_pose`.
      transform: None or a function of the batch, applied before the poses are drawn (augmentation).

    Returns:
      Dicts: images float32 [B, H, W, 3] in [-1, 1], keypoints, flow and visibility float32, parts int32,
      poses float32 [B, H, W, 18].
    """

    def finish(batch):
        batch = dict(batch)
        for name in batch:
            if name in _IMAGES:
                batch[name] = tf.cast(batch[name], tf.float32) / 127.5 - 1.0
            elif name in _FLOATS:
                batch[name] = tf.cast(batch[name], tf.float32)
            elif name in _PARTS:
                batch[name] = tf.cast(batch[name], tf.int32)
        if transform is not None:
            batch = transform(batch)
        if heatmaps:
            for which in ("source", "target"):
                points = batch[f"{which}_keypoints"]
                batch[f"{which}_pose"] = pose_heatmaps(points, image_size, heatmap_sigma)
        return batch

    return batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def load_image(path: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Reads the image file named by a string tensor as uint8 [H, W, 3] of `size`, inside a tf.data map.

    Another size is resized: bilinear, antialiased. A file that cannot be read fails the iteration with an
    error that names it; `data_errors` gets the sentence back.
    """

    def read(name):
        return average_blocks(read_image(name.decode()), size)

    image = tf.ensure_shape(tf.numpy_function(read, [path], tf.uint8), [None, None, 3])
    same = tf.reduce_all(tf.equal(tf.shape(image)[:2], size))
    return tf.ensure_shape(tf.cond(same, lambda: image, lambda: resize_bilinear(image, size)), [*size, 3])


@contextlib.contextmanager
def data_errors():
    """Turns the error with which TensorFlow wraps a pipeline's `InputError` back into that.

    For `with data_errors():` around, or `@data_errors()` on, what iterates over a dataset.

    Raises:
      InputError: the pipeline's, one sentence; errors of another kind pass unchanged.
    """
    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"InputError: (.*)", str(error))
        if found is None:
            raise
        raise InputError(found[1].strip()) from None
