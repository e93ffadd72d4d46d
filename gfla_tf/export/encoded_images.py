"""Decoding of PNG and JPEG files, with checks of their headers, and encoding of PNG files inside a graph.

Images are decoded as by `gfla_tf.images.io.read_image`, bit-exactly if they have 8 bits per channel: gray
images and palettes become RGB, transparent images are composited over white, and 16 bits are rounded to 8.
Unlike there, the EXIF orientation is not applied.
"""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.export.file_limits import check_jpeg, check_png, check_size
from gfla_tf.export.request_checks import required
from gfla_tf.images.io import MAX_BYTES
from gfla_tf.images.limits import MAX_PIXELS

_PNG = (0x89, *b"PNG\r\n\x1a\n")
_JPEG = (0xFF, 0xD8, 0xFF)
_GRAY, _RGB = 0, 2  # PNG's color types without a palette or alpha
_FAST = 1  # compression level of zlib
_HEADER_BYTES = 26  # of a PNG, up to its color type


def decode_png_or_jpeg(
    data: tf.Tensor, row: tf.Tensor | int, name: str, max_pixels: int = MAX_PIXELS
) -> tf.Tensor:
    """Decodes one image.

    Args:
      data: String scalar, the bytes of a PNG or JPEG file.
      row: int32 scalar, the image's row in the request, for error messages.
      name: The name of the request's field, for error messages.
      max_pixels: The largest accepted product of height and width.

    Returns:
      uint8 RGB [h, w, 3].
    """
    head = tf.io.decode_raw(data, tf.uint8, fixed_length=_HEADER_BYTES)
    length = tf.strings.length(data)
    is_png, is_jpeg = (tf.reduce_all(head[: len(magic)] == magic) for magic in (_PNG, _JPEG))
    formats = f"{name} must be PNG or JPEG files (GIF, WebP, BMP and others are not supported), unlike row"
    with required(
        (length > 0, f"{name} holds an empty string in row", row),
        (length <= MAX_BYTES, f"{name} has more than {MAX_BYTES} bytes in row", row),
        (is_png | is_jpeg, formats, row),
    ):
        data, head = tf.identity(data), tf.identity(head)
    return tf.cond(
        is_png, lambda: _png(data, head, row, name, max_pixels), lambda: _jpeg(data, row, name, max_pixels)
    )


def encode_png(rgb: tf.Tensor) -> tf.Tensor:
    """Encodes uint8 RGB [h, w, 3] as a PNG file with fast compression.

    For a noisy 384 x 384 image, zlib's default level takes 94 ms, a third of the networks' time, instead of
    12 ms, and the file is only a sixth smaller.
    """
    return tf.image.encode_png(rgb, compression=_FAST)


def _png(data, head, row, name, max_pixels):
    sides = tf.cast(head[16:24], tf.int64)
    height, width = (tf.reduce_sum(sides[at : at + 4] * [2**24, 2**16, 2**8, 1]) for at in (4, 0))
    depth, color = head[24], head[25]
    data = check_png(check_size(data, height, width, row, name, max_pixels), row, name)
    opaque = (color == _GRAY) | (color == _RGB)

    def with_alpha(dtype, scale):
        pixels = tf.cast(tf.image.decode_png(data, channels=4, dtype=dtype), tf.int32)
        pixels = (pixels + scale // 2) // scale
        colors, alpha = pixels[..., :3], pixels[..., 3:]
        return tf.cast((colors * alpha + 255 * (255 - alpha) + 127) // 255, tf.uint8)

    return tf.cond(
        depth == 16,
        lambda: with_alpha(tf.uint16, 257),
        lambda: tf.cond(
            opaque,
            lambda: tf.image.decode_png(data, channels=3),
            lambda: with_alpha(tf.uint8, 1),
        ),
    )


def _jpeg(data, row, name, max_pixels):
    height, width, _ = tf.unstack(tf.image.extract_jpeg_shape(data), num=3)
    data = check_size(data, height, width, row, name, max_pixels)
    data = check_jpeg(data, height, width, row, name, max_pixels)
    return tf.image.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
