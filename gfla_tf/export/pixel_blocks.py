"""Conversion of decoded images to opaque RGB of 8 bits inside a graph, in blocks of rows."""

from __future__ import annotations

import tensorflow as tf

_MAX_PIXELS = 2**20  # of a block; bounds the memory of int32 values for a large image


def opaque_rgb(pixels: tf.Tensor) -> tf.Tensor:
    """Rounds 16 bits to 8, and composites transparent images over white.

    Args:
      pixels: uint8 or uint16 [h, w, 3 or 4]; the number of channels is static.

    Returns:
      uint8 [h, w, 3].
    """
    transparent = pixels.shape[-1] == 4
    if pixels.dtype == tf.uint8 and not transparent:
        return pixels
    height = tf.shape(pixels)[0]
    rows = tf.maximum(1, _MAX_PIXELS // tf.shape(pixels)[1])
    blocks = (height + rows - 1) // rows

    def convert(number, results):
        block = tf.cast(pixels[number * rows : (number + 1) * rows], tf.int32)
        if pixels.dtype == tf.uint16:
            block = (block + 128) // 257
        if transparent:
            block = _over_white(block)
        return number + 1, results.write(number, tf.cast(block, tf.uint8))

    results = tf.TensorArray(tf.uint8, blocks, element_shape=[None, None, 3], infer_shape=False)
    start = tf.constant(0), results
    _, results = tf.while_loop(lambda number, _: number < blocks, convert, start, parallel_iterations=1)
    return results.concat()


def _over_white(rgba):
    colors, alpha = rgba[..., :3], rgba[..., 3:]
    return (colors * alpha + 255 * (255 - alpha) + 127) // 255
