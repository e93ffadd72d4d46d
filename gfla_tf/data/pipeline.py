"""Reading of batches of pairs in a `tf.data` pipeline, and conversion of the pipeline's errors."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from gfla_tf.data.split import Split
from gfla_tf.errors import InputError
from gfla_tf.images.frame import resize_image

_IMAGES = ("source_image", "target_image")
_KEYPOINTS = ("source_keypoints", "target_keypoints")


def load_pairs(numbers: tf.Tensor, data: Split, size: tuple[int, int]) -> dict[str, tf.Tensor]:
    """Reads a batch of a split's pairs in a `tf.data` map.

    Each call reads a whole batch, and the map runs several calls in parallel; reading and decoding release
    Python's lock.

    Args:
      numbers: int64 [B], the indices of the pairs.
      data: the split. Images of another size are resized (bilinear, antialiased). An image that cannot be
        read ends the iteration with an error that contains its path; see `data_errors`.
      size: (H, W) in pixels.

    Returns:
      `source_image`, `target_image` uint8 [B, H, W, 3]; `source_keypoints`, `target_keypoints` float32
      [B, 18, 2], as in the split.
    """

    def read(numbers: np.ndarray) -> tuple[np.ndarray, ...]:
        sides = data.pairs[numbers].T  # [2, B]
        batch = _aligned((2, len(numbers), *size, 3))
        for rows, indices in zip(batch, sides.tolist(), strict=True):
            for row, index in zip(rows, indices, strict=True):
                image = data.images.read(index, out=row)
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
    """An empty uint8 array that is aligned to 64 bytes, so that TensorFlow does not copy it."""
    length = math.prod(shape)
    room = np.empty(length + 63, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + length].reshape(shape)


@contextlib.contextmanager
def data_errors() -> Iterator[None]:
    """Context manager and decorator for code that iterates over a dataset.

    TensorFlow wraps an `InputError` of the pipeline in its own error; this raises the `InputError` again.

    Raises:
      InputError: the pipeline's error. Other errors are not changed.
    """
    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"InputError: (.*)", str(error))
        if found is None:
            raise
        raise InputError(found[1].strip()) from None
