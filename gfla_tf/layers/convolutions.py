"""Convolutions and the activation that the blocks of F, G and D are made of."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf.layers.initializers import weight_initializer

LEAKY_SLOPE = 0.1


@tf.custom_gradient
def lrelu(x: tf.Tensor) -> tf.Tensor:
    """Applies a leaky ReLU with slope 0.1.

    It keeps the sign, so its gradient is computed from its output: the input need not be kept.
    """
    out = tf.nn.leaky_relu(x, LEAKY_SLOPE)
    return out, lambda upstream: tf.raw_ops.LeakyReluGrad(gradients=upstream, features=out, alpha=LEAKY_SLOPE)


def same(filters: int, kernel_size: int = 3, dtype: Any = None) -> keras.layers.Conv2D:
    """Returns a convolution with stride 1 and zero padding: [B, H, W, C] -> [B, H, W, filters]."""
    return _convolution(filters, kernel_size, 1, "same", dtype)


def down(filters: int, dtype: Any = None) -> keras.layers.Conv2D:
    """Returns a 4 x 4 convolution with stride 2: [B, H, W, C] -> [B, H/2, W/2, filters] for even H and W.

    One row or column of zeros is added on each side.
    """
    return _convolution(filters, 4, 2, "same", dtype)


def valid(filters: int, dtype: Any = None) -> keras.layers.Conv2D:
    """Returns a 3 x 3 convolution without padding: [B, H, W, C] -> [B, H-2, W-2, filters]."""
    return _convolution(filters, 3, 1, "valid", dtype)


def _convolution(filters, kernel_size, strides, padding, dtype):
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding,
        data_format="channels_last",  # whatever Keras's image_data_format is
        kernel_initializer=weight_initializer(),
        dtype=dtype,
    )


def padded_convolution(x: tf.Tensor, kernel: tf.Tensor, strides: int, padding: int) -> tf.Tensor:
    """Computes a convolution with the same number of zeros on each side.

    TensorFlow's gradients of a convolution with explicit padding are much slower on the CPU than those with
    "SAME" or "VALID" padding. Therefore the former is used if it adds the same zeros, and otherwise the
    zeros are added beforehand.

    Args:
      x: [B, H, W, C].
      kernel: [k, k, C, filters].
      strides: stride in both directions.
      padding: number of zeros added on each side.

    Returns:
      [B, H', W', filters] with H' = (H + 2 * padding - k) // strides + 1, and W' likewise.
    """
    if padding and all(_same_pads(size, kernel.shape[0], strides, padding) for size in x.shape[1:3]):
        return tf.nn.conv2d(x, kernel, strides, "SAME")
    if padding:
        x = tf.pad(x, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
    return tf.nn.conv2d(x, kernel, strides, "VALID")


def _same_pads(size, kernel_size, strides, padding):
    """Whether "SAME" padding adds `padding` zeros on each side of a row of `size` pixels (None: unknown)."""
    if strides == 1:
        return kernel_size == 2 * padding + 1
    return size is not None and (-(-size // strides) - 1) * strides + kernel_size - size == 2 * padding
