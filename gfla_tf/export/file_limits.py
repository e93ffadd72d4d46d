"""Limits of `gfla_tf.images.limits` inside a graph, checked before an image is decoded."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.export.file_layout import PngLayout, jpeg_layout
from gfla_tf.export.file_segments import big_endian, byte_length, jpeg_segments
from gfla_tf.export.request_checks import required
from gfla_tf.images.limits import (
    MAX_PIXELS,
    MAX_SCANS,
    MAX_SIDE,
    MAX_TEXT_BYTES,
    max_segments,
    scanned_pixels,
)


def declared_pixels(data: tf.Tensor, max_pixels: int = MAX_PIXELS) -> tf.Tensor:
    """Returns the number of pixels that a PNG or JPEG file declares, int64 scalar.

    It is 0 for other files and for sizes that `check_size` does not accept.

    Args:
      data: String scalar, the bytes of the file.
      max_pixels: The largest accepted number.
    """
    head = tf.io.decode_raw(data, tf.uint8, fixed_length=24)
    is_jpeg = tf.reduce_all(head[:3] == (0xFF, 0xD8, 0xFF))
    is_png = tf.reduce_all(head[:4] == (0x89, *b"PNG"))

    def of_jpeg():
        layout = jpeg_layout(data)
        return tf.maximum(tf.stack([layout.height, layout.width]), 0)

    def of_png():
        return tf.stack([big_endian(head[20:24]), big_endian(head[16:20])])

    sides = tf.cond(is_jpeg, of_jpeg, of_png)
    pixels = tf.reduce_prod(tf.minimum(sides, MAX_SIDE + 1))
    return tf.where((is_png | is_jpeg) & (pixels <= max_pixels), pixels, 0)


def check_size(
    data: tf.Tensor,
    height: tf.Tensor,
    width: tf.Tensor,
    row: tf.Tensor | int,
    name: str,
    max_pixels: int = MAX_PIXELS,
) -> tf.Tensor:
    """Checks the size that an image declares.

    Args:
      data: String scalar, the bytes of the file, returned for the next step.
      height: Integer scalar.
      width: Integer scalar.
      row: int32 scalar, the image's row in the request, for error messages.
      name: The name of the request's field, for error messages.
      max_pixels: The largest accepted product of height and width.
    """
    height, width = tf.cast(height, tf.int64), tf.cast(width, tf.int64)
    sides = tf.maximum(height, width) <= MAX_SIDE
    valid = sides & (tf.minimum(height, width) > 0) & (height * width <= max_pixels)
    message = f"{name} must declare 1 to {max_pixels} pixels, each side at most {MAX_SIDE}"
    with required((valid, f"{message}; (height, width) are", height, width, "in row", row)):
        return tf.identity(data)


def check_png(data: tf.Tensor, layout: PngLayout, row: tf.Tensor | int, name: str) -> tf.Tensor:
    """Checks the end, number of chunks and compressed text, which may expand a thousandfold, of a PNG."""
    limit = _max_segments(data)
    few = layout.steps <= limit
    with required(
        (few, f"{name} has more PNG chunks than the accepted", limit, "in row", row),
        (layout.complete | ~few, f"{name} has a truncated or damaged PNG file in row", row),
        (
            layout.text <= MAX_TEXT_BYTES,
            f"{name} has more than {MAX_TEXT_BYTES} bytes of compressed text and color profiles in row",
            row,
        ),
    ):
        return tf.identity(data)


def check_jpeg(
    data: tf.Tensor,
    height: tf.Tensor,
    width: tf.Tensor,
    row: tf.Tensor | int,
    name: str,
    max_pixels: int = MAX_PIXELS,
) -> tf.Tensor:
    """Checks the end, number of segments and number of scans, which may each process every pixel, of a JPEG.

    The arguments are those of `check_size`.
    """
    limit = _max_segments(data)
    segments = jpeg_segments(data, limit)
    height, width = tf.cast(height, tf.int64), tf.cast(width, tf.int64)
    few = segments.scans <= MAX_SCANS
    few |= segments.scans * scanned_pixels(height, width) <= MAX_SCANS * max_pixels
    short = segments.count <= limit
    with required(
        (short, f"{name} has more JPEG segments than the accepted", limit, "in row", row),
        (segments.complete | ~short, f"{name} has a truncated JPEG file in row", row),
        (
            few,
            f"{name} must be a JPEG with fewer scans, which may each process all its pixels; it has",
            segments.scans,
            "of (height, width)",
            height,
            width,
            "in row",
            row,
        ),
    ):
        return tf.identity(data)


def _max_segments(data):
    return max_segments(byte_length(data))
