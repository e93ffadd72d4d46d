"""From images and keypoints to the batches that training reads; any dataset can use it."""

from __future__ import annotations

import contextlib
import math
import re

import numpy as np
import tensorflow as tf

from gfla_tf.data.framing import resize_image
from gfla_tf.data.pose import pose_heatmaps
from gfla_tf.data.split import Split
from gfla_tf.errors import InputError

_IMAGES = ("source_image", "target_image")
_KEYPOINTS = ("source_keypoints", "target_keypoints")
_FLOATS = (*_KEYPOINTS, "flow", "visibility")
_PARTS = ("source_parts", "target_parts")


def finish_batches(
    batches: tf.data.Dataset,
    image_size: tuple[int, int],
    heatmap_sigma: float,
    *,
    heatmaps: bool = True,
    scaled: bool = True,
    load=None,
    transform=None,
) -> tf.data.Dataset:
    """Scales the images of batches to [-1, 1], draws their poses and prefetches.

    Args:
      batches: dicts with `source_image`, `target_image` uint8 [B, H, W, 3], `source_keypoints`,
        `target_keypoints` [B, 18, 2] (y, x), and perhaps `flow` [B, H, W, 2], `visibility`, `source_parts`,
        `target_parts` [B, H, W]; other entries pass unchanged. With `load`, anything.
      image_size: (H, W) in pixels.
      heatmap_sigma: of the poses' Gaussians, in pixels.
      heatmaps: whether to add `source_pose` and `target_pose`.
      scaled: False leaves the images uint8, for a training step that scales them on its device.
      load: None or a function of an element of `batches` that makes such a dict of it, in the same parallel
        map as the rest.
      transform: None or a function of the batch, applied before the poses are drawn (augmentation).

    Returns:
      Dicts: images float32 [B, H, W, 3] in [-1, 1], keypoints, flow and visibility float32, parts int32,
      poses float32 [B, H, W, 18].
    """

    def finish(*element):
        batch = dict(*element) if load is None else load(*element)
        for name in batch:
            if name in _IMAGES and scaled:
                batch[name] = scale_images(batch[name])
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


def load_pairs(numbers: tf.Tensor, data: Split, size: tuple[int, int]) -> dict[str, tf.Tensor]:
    """Reads a batch of a split's pairs, inside a tf.data map.

    A call reads a whole batch, and the map runs several calls at once: reading and decoding leave Python's
    lock, so the processors work on images nearly all the time.

    Args:
      numbers: int64 [B], of the pairs.
      data: the split. An image of another size is resized: bilinear, antialiased. One that cannot be read
        fails the iteration with an error that names it; `data_errors` gets the sentence back.
      size: (H, W) in pixels.

    Returns:
      `source_image`, `target_image` uint8 [B, H, W, 3]; `source_keypoints`, `target_keypoints` float32
      [B, 18, 2] as the split has them.
    """

    def read(numbers):
        sides = data.pairs[numbers].T  # [2, B]
        batch = _aligned((2, len(numbers), *size, 3))
        for rows, places in zip(batch, sides.tolist(), strict=True):
            for row, place in zip(rows, places, strict=True):
                image = data.images.read(place, out=row)
                if image is not row:
                    row[...] = resize_image(image, size)
        return *batch, *data.keypoints[sides]

    shapes = dict.fromkeys(_IMAGES, (None, *size, 3))
    shapes |= dict.fromkeys(_KEYPOINTS, (None, *data.keypoints.shape[1:]))
    kinds = (tf.uint8, tf.uint8, tf.float32, tf.float32)
    parts = tf.numpy_function(read, [numbers], kinds)
    return {
        name: tf.ensure_shape(part, shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)
    }


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty uint8 array that TensorFlow takes over without a copy: it begins at a multiple of 64 bytes."""
    length = math.prod(shape)
    room = np.empty(length + 63, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + length].reshape(shape)


def scale_images(images: tf.Tensor) -> tf.Tensor:
    """uint8 [0, 255] as float32 [-1, 1]; what is float already passes unchanged."""
    if images.dtype != tf.uint8:
        return images
    return tf.cast(images, tf.float32) / 127.5 - 1.0


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
