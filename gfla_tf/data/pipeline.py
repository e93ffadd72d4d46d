"""Reading of pairs of images in a `tf.data` pipeline, and conversion of the pipeline's errors."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from gfla_tf.batching.order import PairOrder
from gfla_tf.batching.rows import RowReader
from gfla_tf.data.split import Split
from gfla_tf.errors import InputError
from gfla_tf.images.frame import resize_image

_IMAGES = ("source_image", "target_image")
_KEYPOINTS = ("source_keypoints", "target_keypoints")


def pair_reader(data: Split, size: tuple[int, int], order: PairOrder) -> RowReader:
    """Returns a reader of a split's pairs for a parallel `tf.data` map.

    Each call reads a whole batch; reading and decoding release Python's lock.

    Args:
      data: the split. Images of another size are resized (bilinear, antialiased). An image that cannot be
        read ends the iteration with an error that contains its path; see `data_errors`.
      size: (H, W) in pixels.
      order: the order of the pairs.

    Returns:
      A reader of `source_image`, `target_image` uint8 [B, H, W, 3], and `source_keypoints`,
      `target_keypoints` float32 [B, 18, 2], as in the split.
    """

    def read(positions: np.ndarray) -> tuple[np.ndarray, ...]:
        sides = data.pairs[order.pairs(positions)].T  # [2, B]
        batch = _aligned((2, len(positions), *size, 3))
        for rows, indices in zip(batch, sides.tolist(), strict=True):
            for row, index in zip(rows, indices, strict=True):
                image = data.images.read(index, out=row)
                if image is not row:
                    row[...] = resize_image(image, size)
        return *batch, *data.keypoints[sides]

    specs = dict.fromkeys(_IMAGES, tf.TensorSpec((*size, 3), tf.uint8))
    specs |= dict.fromkeys(_KEYPOINTS, tf.TensorSpec(data.keypoints.shape[1:], tf.float32))
    return RowReader(read, specs)


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
