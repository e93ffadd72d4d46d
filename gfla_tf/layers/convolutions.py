"""Convolutions and the activation that the blocks of F, G and D are made of."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf.layers.initializers import weight_initializer

LEAKY_SLOPE = 0.1


def lrelu(x: tf.Tensor) -> tf.Tensor:
    """Applies a leaky ReLU with slope 0.1."""
    return tf.nn.leaky_relu(x, LEAKY_SLOPE)


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
