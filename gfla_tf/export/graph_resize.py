"""OpenCV's `cv2.resize` inside a graph, for `Frame.restore` with sizes known only at run time.

For a photo of 12 megapixels, this module takes 151 ms, OpenCV 8 ms, and `tf.image.resize` 273 ms and twice
the memory.

Resizing is separable and linear: for each output sample along an axis, a few input samples and their weights
(`Taps`) are computed from the sizes. The result is rounded once, at the end.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from gfla_tf.images.scaling import round_to_uint8

_CUBIC_A = -0.75  # a of Keys's kernel in OpenCV
_WEIGHT_SCALE = 2048.0  # OpenCV's weights for 8-bit images have 11 fractional bits
_MAX_PASS_PIXELS = 2**23  # float32 pixels between the two passes
_MAX_VALUES = 2**22  # float32 values held at a time; bounds the memory for a large image


class Taps(NamedTuple):
    """The input samples of each output sample along an axis.

    Attributes:
      indices: int32 [m, T], the input samples.
      weights: float32 [m, T].
    """

    indices: tf.Tensor
    weights: tf.Tensor


def area_taps(length: tf.Tensor, count: tf.Tensor) -> Taps:
    """Taps of a mean over `length` / `count` (at least 1) samples each: INTER_AREA when reducing.

    Args:
      length: int32 scalar, the input samples.
      count: int32 scalar, the output samples.
    """
    step = tf.cast(length, tf.float64) / tf.cast(count, tf.float64)
    begin = tf.cast(tf.range(count), tf.float64)[:, None] * step
    indices = tf.floor(begin) + tf.cast(tf.range(tf.cast(tf.math.ceil(step), tf.int32) + 1), tf.float64)
    covered = tf.minimum(indices + 1.0, begin + step) - tf.maximum(indices, begin)
    return _taps(indices, tf.maximum(covered, 0.0) / step, length)


def restoring_taps(length: tf.Tensor, count: tf.Tensor, enlarging: tf.Tensor, reducing: tf.Tensor) -> Taps:
    """Taps that resize the model's image to the photo's size along one axis, as `Frame.restore` does.

    Args:
      length: int32 scalar, the input samples.
      count: int32 scalar, the output samples.
      enlarging: Bool scalar, whether no axis is reduced; the method is then INTER_CUBIC.
      reducing: Bool scalar, whether no axis is enlarged; the method is then INTER_AREA. If both are False,
        it is OpenCV's INTER_AREA for that case, a linear interpolation with shifted sample positions.
    """
    step = tf.cast(length, tf.float64) / tf.cast(count, tf.float64)
    outputs = tf.cast(tf.range(count), tf.float64)[:, None]

    def cubic():
        center = (outputs + 0.5) * step - 0.5
        indices = tf.floor(center) + tf.range(-1.0, 3.0, dtype=tf.float64)
        return _taps(indices, _quantize(_cubic_kernel(center - indices)), length)

    def linear():
        first = tf.floor(outputs * step)
        share = outputs + 1.0 - (first + 1.0) / step
        share = tf.where((share > 0.0) & (first < tf.cast(length - 1, tf.float64)), share % 1.0, 0.0)
        weights = _quantize(tf.concat([1.0 - share, share], -1))
        return _taps(tf.concat([first, first + 1.0], -1), weights, length)

    return tf.cond(enlarging, cubic, lambda: tf.cond(reducing, lambda: area_taps(length, count), linear))


def resample_rows(rows: tf.Tensor, taps: Taps, rounded: bool = False) -> tf.Tensor:
    """Computes the weighted sums along the first axis.

    Only a few output rows are processed at a time, which bounds the memory of the gathered samples.

    Args:
      rows: [n, c] of any type.
      taps: The taps of m output rows.
      rounded: Whether to round the result to uint8.

    Returns:
      [m, c], float32 or uint8.
    """
    width, count = tf.shape(rows)[1], tf.shape(taps.indices)[0]
    chunk = tf.clip_by_value(_MAX_VALUES // (width * tf.shape(taps.indices)[1]), 1, count)
    chunks = (count + chunk - 1) // chunk

    def split(values):
        padded = tf.pad(values, [[0, chunks * chunk - count], [0, 0]])
        return tf.reshape(padded, tf.stack([chunks, chunk, tf.shape(values)[1]]))

    def resample_chunk(part):
        indices, weights = part
        samples = tf.cast(tf.gather(rows, indices), tf.float32)  # [chunk, T, c]
        total = tf.reduce_sum(samples * weights[:, :, None], axis=1)
        return round_to_uint8(total) if rounded else total

    result = tf.map_fn(
        resample_chunk,
        (split(taps.indices), split(taps.weights)),
        fn_output_signature=tf.TensorSpec([None, None], tf.uint8 if rounded else tf.float32),
        parallel_iterations=1,
    )
    return tf.reshape(result, tf.stack([chunks * chunk, width]))[:count]


def resample(image: tf.Tensor, rows: Taps, columns: Taps) -> tf.Tensor:
    """Resizes uint8 [h, w, 3] to uint8 [H, W, 3] by the taps of the H rows and the W columns.

    The columns are resized first, except for a very wide image, which bounds the memory.
    """
    shape = tf.shape(image)
    height, width = tf.shape(rows.indices)[0], tf.shape(columns.indices)[0]
    columns_first = tf.cast(shape[0], tf.int64) * tf.cast(width, tf.int64)
    rows_first = tf.cast(height, tf.int64) * tf.cast(shape[1], tf.int64)
    return tf.cond(
        (columns_first > _MAX_PASS_PIXELS) & (rows_first < columns_first),
        lambda: _transpose(_resample(_transpose(image), columns, rows)),
        lambda: _resample(image, rows, columns),
    )


def _resample(image, rows, columns):
    """Resizes the columns and then the rows; the result of the first pass is float32 [h, W, 3]."""
    height, width = tf.shape(rows.indices)[0], tf.shape(columns.indices)[0]
    shape = tf.shape(image)
    transposed = tf.reshape(_transpose(image), tf.stack([shape[1], shape[0] * 3]))
    wide = tf.reshape(resample_rows(transposed, columns), tf.stack([width, shape[0], 3]))
    wide = tf.reshape(_transpose(wide), tf.stack([shape[0], width * 3]))
    return tf.reshape(resample_rows(wide, rows, rounded=True), tf.stack([height, width, 3]))


def _transpose(image):
    return tf.transpose(image, [1, 0, 2])


def _taps(indices, weights, length):
    clipped = tf.clip_by_value(tf.cast(indices, tf.int32), 0, length - 1)
    return Taps(clipped, tf.cast(weights, tf.float32))


def _quantize(weights):
    return tf.round(weights * _WEIGHT_SCALE) / _WEIGHT_SCALE


def _cubic_kernel(x):
    """Keys's cubic convolution kernel for |x| up to 2."""
    x, a = tf.abs(x), _CUBIC_A
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    return tf.where(x <= 1.0, near, far)
