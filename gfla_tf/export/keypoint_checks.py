"""Checks of keypoints inside a graph, by the rules of `gfla_tf.pose.units` and `gfla_tf.pose.frame`."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.export.request_checks import check_shape, required
from gfla_tf.pose.keypoints import NUM_KEYPOINTS
from gfla_tf.pose.units import FEW, NEAR


def check_keypoints(value: tf.Tensor, name: str) -> tf.Tensor:
    """Checks that keypoints are float32 [N, 18, 2], finite, and in pixels instead of fractions."""
    value = check_shape(value, name, (None, NUM_KEYPOINTS, 2))
    finite = tf.reduce_all(tf.math.is_finite(value), axis=[1, 2])
    pixels = _in_pixels(value) | ~finite
    units = f"{name} must be in pixels, got fractions of the image, or whole numbers below 3, in row"
    with required(
        (tf.reduce_all(finite), f"{name} must be numbers, got NaN or infinity in row", _first_row(~finite)),
        (tf.reduce_all(pixels), units, _first_row(~pixels)),
    ):
        return tf.identity(value)


def mask_keypoints_outside(
    value: tf.Tensor, frames: tf.Tensor, name: str, maybe_swapped: tf.Tensor
) -> tf.Tensor:
    """Marks keypoints outside their frame as missing (-1), and checks that most of each pose are inside.

    Args:
      value: Keypoints [N, 18, 2], (y, x); negative ones are missing.
      frames: int32 [N, 2], (height, width).
      name: The field's name.
      maybe_swapped: bool [N], whether the frame's sides may be swapped; if so, it is also an error if some
        keypoints are outside and all are inside a frame of swapped sides.
    """
    present = tf.reduce_all(value >= 0.0, axis=-1)  # [N, 18]
    inside, swapped = _inside(value, frames), _inside(value, frames[:, ::-1])
    count, beyond, beyond_swapped = (
        _count(marked) for marked in (present, present & ~inside, present & ~swapped)
    )
    some = tf.reduce_any(inside, axis=1)
    refused = some & ((2 * beyond > count) | (maybe_swapped & (beyond > 0) & (beyond_swapped == 0)))
    fits = 4 * beyond_swapped <= count
    message = f"{name} must have a keypoint inside the frame, (y, x) from 0 up to its size; none is in row"
    outside = f"{name} must be inside the frame, (y, x) from 0 up to its size; too many are outside in row"
    hint = f"{name} must be inside the frame, whose height and width may be swapped, in row"
    conditions = [
        (
            tf.reduce_all(~wrong),
            text,
            _first_row(wrong),
            "with a frame of size",
            tf.gather(frames, _first_row(wrong)),
        )
        for wrong, text in ((~some, message), (refused & ~fits, outside), (refused & fits, hint))
    ]
    with required(*conditions):
        return tf.where(inside[..., None], value, -1.0)


def _in_pixels(value):
    """Whether each row [N, 18, 2] is in pixels, as `find_units` decides it: bool [N]."""
    judged = tf.reduce_all(value >= 0.0, axis=-1) & tf.reduce_any(value > 0.0, axis=-1)
    near = judged & tf.reduce_all(value <= NEAR, axis=-1)
    total, small = _count(judged), _count(near)
    whole = tf.reduce_all(tf.reduce_all(value == tf.round(value), axis=-1) | ~near, axis=-1)
    few = tf.cast(small, tf.float32) <= FEW * tf.cast(total, tf.float32)
    return few | ((small == 1) & ((total > 1) | whole))


def _inside(value, frames):
    sides = tf.cast(frames, tf.float32)[:, None, :]
    return tf.reduce_all((value >= 0.0) & (value < sides), axis=-1)


def _count(marked):
    return tf.reduce_sum(tf.cast(marked, tf.int32), axis=-1)


def _first_row(invalid):
    """Returns the index of the first invalid row."""
    return tf.argmax(tf.cast(invalid, tf.int32), output_type=tf.int32)
