"""Encoded pictures in and out, inside a graph: PNG and JPEG, checked before anything is decoded.

They are read as `gfla_tf.images.io.read_image` reads them, to the last bit where they have 8 bits: grey
becomes RGB, palettes are resolved, transparency is laid over white, 16 bits are rounded to 8. Only an EXIF
orientation is not applied.
"""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.export.request_checks import required
from gfla_tf.images.io import MAX_BYTES, MAX_PIXELS

_PNG = (0x89, *b"PNG\r\n\x1a\n")
_JPEG = (0xFF, 0xD8, 0xFF)
_GREY, _RGB = 0, 2  # PNG's colour types without a palette or alpha
_QUICK = 1  # of zlib's levels
_HEAD = 26  # bytes of a PNG up to its colour type


def decode_png_or_jpeg(data, row, name: str) -> tf.Tensor:
    """Decodes one picture.

    Args:
      data: string scalar, the bytes of a PNG or JPEG file.
      row: int32 scalar, which of the request's pictures it is, for messages.
      name: the request's field.

    Returns:
      uint8 RGB [h, w, 3].
    """
    head = tf.io.decode_raw(data, tf.uint8, fixed_length=_HEAD)
    length = tf.strings.length(data)
    is_png, is_jpeg = (tf.reduce_all(head[: len(magic)] == magic) for magic in (_PNG, _JPEG))
    kinds = f"{name} must be PNG or JPEG files (GIF, WebP, BMP and others are not read), unlike row"
    with required(
        (length > 0, f"{name} holds an empty string in row", row),
        (length <= MAX_BYTES, f"{name} has more than {MAX_BYTES} bytes in row", row),
        (is_png | is_jpeg, kinds, row),
    ):
        data, head = tf.identity(data), tf.identity(head)
    return tf.cond(is_png, lambda: _png(data, head, row, name), lambda: _jpeg(data, row, name))


def encode_png(rgb) -> tf.Tensor:
    """uint8 RGB [h, w, 3] as the bytes of a PNG file, compressed quickly rather than well.

    Of a grainy 384 x 384 picture zlib's default takes 94 ms, a third of the time of the networks, for a file
    that is a sixth smaller than one of 12 ms.
    """
    return tf.image.encode_png(rgb, compression=_QUICK)


def _png(data, head, row, name):
    sides = tf.cast(head[16:24], tf.int64)
    height, width = (tf.reduce_sum(sides[at : at + 4] * [2**24, 2**16, 2**8, 1]) for at in (4, 0))
    depth, colour = head[24], head[25]
    data = _bounded(data, height, width, row, name)
    opaque = (colour == _GREY) | (colour == _RGB)

    def with_alpha(dtype, scale):
        pixels = tf.cast(tf.image.decode_png(data, channels=4, dtype=dtype), tf.int32)
        pixels = (pixels + scale // 2) // scale
        colours, alpha = pixels[..., :3], pixels[..., 3:]
        return tf.cast((colours * alpha + 255 * (255 - alpha) + 127) // 255, tf.uint8)

    return tf.cond(
        depth == 16,
        lambda: with_alpha(tf.uint16, 257),
        lambda: tf.cond(
            opaque,
            lambda: tf.image.decode_png(data, channels=3),
            lambda: with_alpha(tf.uint8, 1),
        ),
    )


def _jpeg(data, row, name):
    height, width, _ = tf.unstack(tf.image.extract_jpeg_shape(data), num=3)
    data = _bounded(data, height, width, row, name)
    return tf.image.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _bounded(data, height, width, row, name):
    height, width = tf.cast(height, tf.int64), tf.cast(width, tf.int64)
    # A PNG's sides have 32 bits, so their product is formed only of small ones.
    small = (tf.maximum(height, width) <= MAX_PIXELS) & (tf.minimum(height, width) > 0)
    holds = small & (height * width <= MAX_PIXELS)
    says = f"{name} must declare 1 to {MAX_PIXELS} pixels; (height, width) are"
    with required((holds, says, height, width, "in row", row)):
        return tf.identity(data)
