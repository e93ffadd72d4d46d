"""Resizing pictures inside a graph as OpenCV does it outside: separable, linear, rounded once at the end.

Each axis is a few samples of the line and their weights for every sample of the result (`Taps`), computed
from sizes that are known only when the graph runs.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

_CUBIC = -0.75  # OpenCV's a of Keys's kernel
_COEFFICIENT = 2048.0  # OpenCV's weights for 8-bit pictures have 11 bits behind the point
_BUDGET = 2**22  # float32 values that a step may hold; bounds the memory that a huge picture takes


class Taps(NamedTuple):
    """For each of m samples of a line's result: which samples of the line are read, int32 [m, T], and their
    weights, float32 [m, T].
    """

    places: tf.Tensor
    weights: tf.Tensor


def area_taps(length, count) -> Taps:
    """Averages over `length` / `count` samples each, which is at least 1: INTER_AREA where it reduces.

    length, count: int32 scalars.
    """
    step = tf.cast(length, tf.float64) / tf.cast(count, tf.float64)
    begin = tf.cast(tf.range(count), tf.float64)[:, None] * step
    places = tf.floor(begin) + tf.cast(tf.range(tf.cast(tf.math.ceil(step), tf.int32) + 1), tf.float64)
    covered = tf.minimum(places + 1.0, begin + step) - tf.maximum(places, begin)
    return _taps(places, tf.maximum(covered, 0.0) / step, length)


def restoring_taps(length, count, enlarging, reducing) -> Taps:
    """What `cv2.resize` reads along an axis when the model's picture is brought to the photo's size.

    length, count: int32 scalars, of the picture and of the result.
    enlarging: bool scalar; neither axis is reduced: INTER_CUBIC.
    reducing: bool scalar; neither axis is enlarged: INTER_AREA. Where neither holds, OpenCV's INTER_AREA is a
      linear interpolation with shifted places.
    """
    step = tf.cast(length, tf.float64) / tf.cast(count, tf.float64)
    along = tf.cast(tf.range(count), tf.float64)[:, None]

    def cubic():
        at = (along + 0.5) * step - 0.5
        places = tf.floor(at) + tf.range(-1.0, 3.0, dtype=tf.float64)
        return _taps(places, _eleven_bits(_keys(at - places)), length)

    def linear():
        first = tf.floor(along * step)
        share = along + 1.0 - (first + 1.0) / step
        share = tf.where((share > 0.0) & (first < tf.cast(length - 1, tf.float64)), share % 1.0, 0.0)
        weights = _eleven_bits(tf.concat([1.0 - share, share], -1))
        return _taps(tf.concat([first, first + 1.0], -1), weights, length)

    return tf.cond(enlarging, cubic, lambda: tf.cond(reducing, lambda: area_taps(length, count), linear))


def resample_lines(lines, taps: Taps, rounded: bool = False) -> tf.Tensor:
    """The weighted sums along the first axis: lines [n, c] of any type -> [m, c], float32 or, if `rounded`,
    uint8.

    A few lines of the result at a time, so that only these are ever there with all their taps.
    """
    width, count = tf.shape(lines)[1], tf.shape(taps.places)[0]
    together = tf.clip_by_value(_BUDGET // (width * tf.shape(taps.places)[1]), 1, count)
    steps = (count + together - 1) // together

    def in_steps(values):
        padded = tf.pad(values, [[0, steps * together - count], [0, 0]])
        return tf.reshape(padded, tf.stack([steps, together, tf.shape(values)[1]]))

    def one(step):
        places, weights = step
        read = tf.cast(tf.gather(lines, places), tf.float32)  # [together, T, c]
        summed = tf.reduce_sum(read * weights[:, :, None], axis=1)
        return to_uint8(summed) if rounded else summed

    result = tf.map_fn(
        one,
        (in_steps(taps.places), in_steps(taps.weights)),
        fn_output_signature=tf.TensorSpec([None, None], tf.uint8 if rounded else tf.float32),
        parallel_iterations=1,
    )
    return tf.reshape(result, tf.stack([steps * together, width]))[:count]


def resample(picture, rows: Taps, columns: Taps, rows_first: bool) -> tf.Tensor:
    """uint8 [h, w, 3] -> uint8 [H, W, 3]; the axis that reduces, or else the one that costs less, first."""
    height, width = tf.shape(rows.places)[0], tf.shape(columns.places)[0]
    inner = tf.shape(picture)
    if rows_first:
        lines = resample_lines(tf.reshape(picture, tf.stack([inner[0], inner[1] * 3])), rows)
        return to_uint8(_along_columns(tf.reshape(lines, tf.stack([height, inner[1], 3])), columns))
    wide = _along_columns(picture, columns)
    lines = resample_lines(tf.reshape(wide, tf.stack([inner[0], width * 3])), rows, rounded=True)
    return tf.reshape(lines, tf.stack([height, width, 3]))


def to_uint8(values) -> tf.Tensor:
    """Rounds floats in 0..255 to uint8."""
    return tf.cast(tf.clip_by_value(tf.round(values), 0.0, 255.0), tf.uint8)


def _along_columns(picture, columns):
    """[h, w, 3] -> float32 [h, W, 3]."""
    shape = tf.shape(picture)
    turned = tf.reshape(tf.transpose(picture, [1, 0, 2]), tf.stack([shape[1], shape[0] * 3]))
    lines = resample_lines(turned, columns)
    return tf.transpose(tf.reshape(lines, tf.stack([tf.shape(lines)[0], shape[0], 3])), [1, 0, 2])


def _taps(places, weights, length):
    inside = tf.clip_by_value(tf.cast(places, tf.int32), 0, length - 1)
    return Taps(inside, tf.cast(weights, tf.float32))


def _eleven_bits(weights):
    return tf.round(weights * _COEFFICIENT) / _COEFFICIENT


def _keys(x):
    """Keys's cubic convolution for |x| up to 2."""
    x, a = tf.abs(x), _CUBIC
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    return tf.where(x <= 1.0, near, far)
