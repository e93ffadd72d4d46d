"""The EXIF orientation inside a graph, by the rules of `gfla_tf.images.orientation`."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.export.file_segments import bytes_at
from gfla_tf.images.orientation import EXIF, TAG, VALUE_BYTES, flipped_axes

_ENTRY = 12  # bytes of an entry: tag, type, count and value
_MIN_BYTES = 14  # of a block: its header, 8 bytes, the number of entries and something else


def block_orientation(data: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Reads the orientation from an EXIF block.

    Args:
      data: String scalar, the file.
      begin: int64 scalar, where the block begins; negative if there is none.
      end: int64 scalar, where it ends.

    Returns:
      int64 scalar, 1 to 8; 1 if there is none or the block is damaged.
    """

    def read():
        named = tf.reduce_all(bytes_at(data, begin, len(EXIF)) == list(EXIF))
        start = begin + tf.where(named & (begin + len(EXIF) <= end), tf.constant(len(EXIF), tf.int64), 0)
        return _read(data, start, end - start)

    return tf.cond(begin >= 0, read, lambda: tf.constant(1, tf.int64))


def _read(data, begin, size):
    head = tf.cast(bytes_at(data, begin, 8), tf.int64)
    little, big = (tf.reduce_all(head[:4] == list(magic)) for magic in (b"II*\0", b"MM\0*"))

    def number(values):
        """Bytes [..., n] as numbers [...]."""
        powers = [256**power for power in range(values.shape[-1])]
        return tf.reduce_sum(values * tf.where(little, tf.constant(powers, tf.int64), powers[::-1]), axis=-1)

    first = number(head[4:]) + 2
    space = tf.maximum((size - first) // _ENTRY, 0)
    count = tf.minimum(number(tf.cast(bytes_at(data, begin + first - 2, 2), tf.int64)), space)
    count = tf.where((little | big) & (size >= _MIN_BYTES), count, 0)
    at = tf.where(count > 0, begin + first, 0)
    entries = tf.io.decode_raw(tf.strings.substr(data, at, _ENTRY * count), tf.uint8)
    entries = tf.cast(tf.reshape(entries, [-1, _ENTRY]), tf.int64)
    types = number(entries[:, 2:4])
    values = tf.zeros_like(types)
    for type, length in VALUE_BYTES.items():
        values = tf.where(types == type, number(entries[:, 8 : 8 + length]), values)
    valid = (number(entries[:, 4:8]) == 1) & (values >= 1) & (values <= 8)
    found = tf.boolean_mask(tf.where(valid, values, 1), number(entries[:, :2]) == TAG)
    return tf.concat([found, [1]], axis=0)[0]


def turn(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns a stored image [h, w, 3] upright."""

    def turned():
        upright = tf.cond(orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
        flips = tf.constant([flipped_axes(value) for value in range(9)])[orientation]  # [rows, columns]
        return tf.reverse(upright, tf.boolean_mask([0, 1], flips))

    return tf.cond(orientation > 1, turned, lambda: image)
