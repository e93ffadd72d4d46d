"""Input checks and the mean shared by the losses."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.ops.checks import TensorLike, at_least_float32


def as_float(tensor: TensorLike, name: str) -> tf.Tensor:
    """Converts to a floating-point tensor; half types are cast to float32.

    Raises:
      ValueError: `tensor` is not floating point.
    """
    tensor = tf.convert_to_tensor(tensor)
    if not tensor.dtype.is_floating:
        raise ValueError(f"{name} must be floating point, got {tensor.dtype.name}")
    return at_least_float32(tensor)


def feature_map(tensor: TensorLike, name: str) -> tf.Tensor:
    """Applies `as_float` and checks the rank, [B, H, W, C].

    Raises:
      ValueError: wrong dtype or rank.
    """
    tensor = as_float(tensor, name)
    if tensor.shape.rank != 4:
        raise ValueError(f"{name} must have rank 4, [B, H, W, C], got shape {tensor.shape}")
    return tensor


def mean(tensor: tf.Tensor) -> tf.Tensor:
    """Returns the mean of all elements, 0 for an empty tensor."""
    return tf.math.divide_no_nan(tf.reduce_sum(tensor), tf.cast(tf.size(tensor), tensor.dtype))
