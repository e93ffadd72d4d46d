"""What every loss does first and last: enough precision, and a mean that is 0 of nothing."""

import tensorflow as tf


def as_float(tensor, name):
    """A tensor of float32 or better; half types are widened.

    Raises:
      ValueError: `tensor` is not floating point.
    """
    tensor = tf.convert_to_tensor(tensor)
    if not tensor.dtype.is_floating:
        raise ValueError(f"{name} must be floating point, got {tensor.dtype.name}")
    return tf.cast(tensor, tf.float32) if tensor.dtype.size < 4 else tensor


def feature_map(tensor, name):
    """`as_float` of something that must be [B, H, W, C].

    Raises:
      ValueError: wrong dtype or rank.
    """
    tensor = as_float(tensor, name)
    if tensor.shape.rank != 4:
        raise ValueError(f"{name} must have rank 4, [B, H, W, C], got shape {tensor.shape}")
    return tensor


def mean(tensor):
    """Mean of all elements, 0 of none."""
    return tf.math.divide_no_nan(tf.reduce_sum(tensor), tf.cast(tf.size(tensor), tensor.dtype))
