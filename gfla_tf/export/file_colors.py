"""Checks of a PNG file's palette and transparency inside a graph."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gfla_tf.export.file_layout import PngLayout
from gfla_tf.export.file_segments import big_endian, bytes_at
from gfla_tf.images.png import GRAY, MAX_COLORS, PALETTE, RGB


def has_valid_colors(data: tf.Tensor, layout: PngLayout, depth: tf.Tensor, color: tf.Tensor) -> tf.Tensor:
    """Whether PLTE and tRNS are as `gfla_tf.images.png.read_colors` accepts them, bool scalar.

    TensorFlow ignores a tRNS chunk with a wrong checksum, so that it is computed here.

    Args:
      data: String scalar, the bytes of the file.
      layout: The positions of the chunks.
      depth: int64 scalar, bits per sample.
      color: int64 scalar, the color type.
    """
    colors = layout.palette // 3
    most = tf.bitwise.left_shift(tf.constant(1, tf.int64), tf.minimum(depth, 8))
    palette = (colors >= 1) & (colors <= MAX_COLORS) & (layout.palette % 3 == 0)
    length = layout.transparency_end - layout.transparency
    per_color = (length >= 1) & (length <= tf.minimum(colors, most))
    key = ((color == GRAY) & (length == 2)) | ((color == RGB) & (length == 6))
    is_palette = color == PALETTE
    transparency = tf.where(is_palette, per_color, key) & (length <= MAX_COLORS)
    transparency = tf.cond(
        (layout.transparency >= 0) & transparency,
        lambda: _has_valid_checksum(data, layout.transparency, layout.transparency_end),
        lambda: layout.transparency < 0,
    )
    return ~layout.misplaced & (palette | ~is_palette) & transparency


def _has_valid_checksum(data, begin, end):
    """Whether the checksum of the chunk with the content [begin, end) is right."""
    values = tf.io.decode_raw(tf.strings.substr(data, begin - 4, end - begin + 4), tf.uint8)

    def add(checksum, value):
        index = tf.bitwise.bitwise_and(tf.bitwise.bitwise_xor(checksum, value), 0xFF)
        return tf.bitwise.bitwise_xor(tf.gather(_CRC_TABLE, index), checksum // 256)

    checksum = tf.foldl(add, tf.cast(values, tf.int64), tf.constant(0xFFFFFFFF, tf.int64))
    return tf.bitwise.bitwise_xor(checksum, 0xFFFFFFFF) == big_endian(bytes_at(data, end, 4))


def _crc_table():
    """The checksum of each byte after a checksum of 0, as in Appendix D of the PNG specification."""
    table = list(range(256))
    for _ in range(8):
        table = [(value // 2) ^ (0xEDB88320 * (value % 2)) for value in table]
    return table


_CRC_TABLE = np.array(_crc_table(), np.int64)
