"""Reading batches of pairs inside a tf.data pipeline, and the errors of such a pipeline."""

from __future__ import annotations

import contextlib
import math
import re

import numpy as np
import tensorflow as tf

from gfla_tf.data.split import Split
from gfla_tf.errors import InputError
from gfla_tf.images.frame import resize_image

_IMAGES = ("source_image", "target_image")
_KEYPOINTS = ("source_keypoints", "target_keypoints")


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
