"""Argument checks shared by the operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gfla_tf.arguments import is_integer

TensorLike = tf.Tensor | np.ndarray


def image_and_flow(image: TensorLike, flow: TensorLike, name: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Converts an image (or feature map) and a flow to tensors and checks them.

    Args:
      image: float [B, H, W, C].
      flow: float [B, H, W, 2].
      name: name of the image in messages.

    Returns:
      (image, flow).

    Raises:
      ValueError: wrong rank or dtype, a flow without exactly 2 channels, or static sizes that differ.
    """
    image = tf.convert_to_tensor(image)
    flow = tf.convert_to_tensor(flow)
    for tensor, label in ((image, name), (flow, "flow")):
        if not tensor.dtype.is_floating:
            raise ValueError(f"{label} must be floating point, got {tensor.dtype.name}")
        if tensor.shape.rank != 4:
            raise ValueError(f"{label} must have rank 4, [B, H, W, C], got shape {tensor.shape}")
    if image.shape[-1] is None:
        raise ValueError(f"{name} needs a static channel count, got shape {image.shape}")
    if flow.shape[-1] != 2:
        raise ValueError(f"flow must have 2 channels (dx, dy), got shape {flow.shape}")
    if not image.shape[:3].is_compatible_with(flow.shape[:3]):
        raise ValueError(
            f"{name} and flow must agree in batch, height and width, got {image.shape} and {flow.shape}"
        )
    return image, flow


def floating_point(value: Any, name: str, dtype: str) -> tf.Tensor:
    """Converts to a floating-point tensor; integers are cast to `dtype`.

    Raises:
      ValueError: another dtype, bool for example.
    """
    tensor = tf.convert_to_tensor(value)
    if tensor.dtype.is_floating:
        return tensor
    if not tensor.dtype.is_integer:
        raise ValueError(f"{name} must be floating point or integers, got {tensor.dtype.name}")
    return tf.cast(tensor, dtype)


def positive_int(value: Any, name: str) -> int:
    """Returns an int or an integer of NumPy as int; raises a ValueError if it is not at least 1."""
    if not is_integer(value) or value < 1:
        raise ValueError(f"{name} must be a positive int, got {value!r}")
    return int(value)


def non_negative_int(value: Any, name: str) -> int:
    """Returns an int or an integer of NumPy as int; raises a ValueError if it is not at least 0."""
    if not is_integer(value) or value < 0:
        raise ValueError(f"{name} must be a non-negative int, got {value!r}")
    return int(value)


def at_least_float32(tensor: tf.Tensor) -> tf.Tensor:
    """Casts half types to float32, because they are not precise enough for positions."""
    return tf.cast(tensor, tf.float32) if tensor.dtype.size < 4 else tensor


def flow_dtype(image: tf.Tensor) -> tf.DType:
    """Returns the dtype of flows in the compiled operators: float64 for float64 images, otherwise float32."""
    return tf.float64 if image.dtype == tf.float64 else tf.float32


def clipped_cast(tensor: tf.Tensor, dtype: tf.DType | str) -> tf.Tensor:
    """Casts floats to another dtype; values outside the range of a half type are clipped to it."""
    dtype = tf.as_dtype(dtype)
    if tensor.dtype == dtype:
        return tensor
    return tf.cast(clip_to_range(tensor, dtype) if dtype.size < 4 else tensor, dtype)


def clip_to_range(tensor: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Clips floats, infinite ones too, to the finite range of a dtype."""
    return tf.clip_by_value(tensor, tf.cast(dtype.min, tensor.dtype), tf.cast(dtype.max, tensor.dtype))
