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
from gfla_tf.data.unreadable import UnreadableImages, replacements
from gfla_tf.errors import InputError
from gfla_tf.images.frame import resize_image

_IMAGES = ("source_image", "target_image")
_KEYPOINTS = ("source_keypoints", "target_keypoints")
_SERVICE_ERRORS = {
    "could be caused by a dispatcher restart": "the dispatcher of the data service was restarted: resume the "
    "training, and start the dispatcher with --journal FOLDER, so that it can continue",
    "Could not find callback with key": "a worker of the data service was not started by `gfla data serve "
    "worker`, which reads the training data",
}
"""{part of TensorFlow's message: the sentence}."""


def pair_reader(
    data: Split, size: tuple[int, int], order: PairOrder, unreadable: UnreadableImages | None = None
) -> RowReader:
    """Returns a reader of a split's pairs for a parallel `tf.data` map.

    Each call reads a whole batch; reading and decoding release Python's lock.

    Args:
      data: the split. Images of another size are resized (bilinear, antialiased). An image that cannot be
        read ends the iteration with an error that contains its path; see `data_errors`.
      size: (H, W) in pixels.
      order: the order of the pairs.
      unreadable: if given, pairs with images that cannot be read are replaced by other pairs of the split, up
        to the limit; the replacement depends on the pair and the files alone.

    Returns:
      A reader of `source_image`, `target_image` uint8 [B, H, W, 3], and `source_keypoints`,
      `target_keypoints` float32 [B, 18, 2], as in the split.
    """

    def read(positions: np.ndarray) -> tuple[np.ndarray, ...]:
        pairs = order.pairs(positions)
        batch = _aligned((2, len(pairs), *size, 3))
        for row, pair in enumerate(pairs.tolist()):
            pairs[row] = read_pair(pair, batch[:, row])
        return *batch, *data.keypoints[data.pairs[pairs].T]

    def read_pair(pair: int, out: np.ndarray) -> int:
        """Reads a pair into `out` [2, H, W, 3]; returns the pair, or the one that replaces it."""
        for candidate in replacements(pair, len(data.pairs)):
            try:
                for image, index in zip(out, data.pairs[candidate].tolist(), strict=True):
                    read_image(index, image)
                return candidate
            except InputError as error:
                if unreadable is None:
                    raise
                unreadable.add(error)
        raise InputError("no pair of the split has two images that can be read")

    def read_image(index: int, out: np.ndarray) -> None:
        image = data.images.read(index, out=out)
        if image is not out:
            out[...] = resize_image(image, size)

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
      InputError: the pipeline's error, or a known error of the data service. Other errors are not changed.
    """
    try:
        yield
    except tf.errors.OpError as error:
        for text, sentence in _SERVICE_ERRORS.items():
            if text in str(error):
                raise InputError(sentence) from None
        found = re.search(r"InputError: (.*)", str(error))
        if found is None:
            raise
        raise InputError(found[1].strip()) from None
