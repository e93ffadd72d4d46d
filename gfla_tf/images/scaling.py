"""The conversion of images to the value range of the networks."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

_ROUNDING = 1 / 127.5  # one gray level


def scale_images(
    images: tf.Tensor | np.ndarray, name: str = "images", check_floats: bool = True
) -> tf.Tensor:
    """Scales uint8 images in [0, 255] to float32 in [-1, 1]: x / 127.5 - 1.

    Args:
      images: any shape. Floating-point images are in [-1, 1] already and are returned unchanged.
      name: name of the images in messages.
      check_floats: whether to check the range of floats in eager mode.

    Returns:
      A floating-point tensor of the same shape.

    Raises:
      ValueError: another dtype, or, in eager mode, floats that are outside [-1, 1] by more than rounding, or
        NaN.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype.is_floating:
        if check_floats and tf.executing_eagerly():
            check_range(images, name, -1.0, 1.0, "uint8 in [0, 255]")
        return images
    if images.dtype != tf.uint8:
        raise ValueError(
            f"{name} must be uint8 in [0, 255] or floating-point in [-1, 1], got {images.dtype.name}"
        )
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def check_range(values: tf.Tensor, name: str, low: float, high: float, alternative: str = "") -> None:
    """Checks the range of floats: now in eager mode, otherwise when the graph runs.

    XLA omits the check.

    Args:
      values: any shape. Values outside the range by less than one gray level are accepted.
      name: name of the values in messages.
      low: the smallest allowed value.
      high: the largest allowed value.
      alternative: what else is allowed, for messages.

    Raises:
      ValueError: in eager mode, a value is outside the range, or NaN.
      tf.errors.InvalidArgumentError: the same, when a graph runs.
    """
    allowed = " or ".join(filter(None, (alternative, f"floating-point in [{low:g}, {high:g}]")))
    inside = tf.reduce_all((values >= low - _ROUNDING) & (values <= high + _ROUNDING))  # False for NaN
    if not tf.executing_eagerly():
        received = [tf.reduce_min(values), tf.reduce_max(values)]
        tf.debugging.Assert(inside, [f"{name} must be {allowed}, got values from and to", *received])
    elif not inside:
        array = values.numpy().astype(np.float64)
        received = "NaN" if np.isnan(array).any() else f"{array.min():.4g} to {array.max():.4g}"
        raise ValueError(f"{name} must be {allowed}, got {received}")


def check_maps(maps: tf.Tensor | np.ndarray, name: str, low: float = 0.0) -> tf.Tensor:
    """Returns pose maps as a tensor.

    Args:
      maps: any shape, floating-point in [low, 1].
      name: name of the maps in messages.
      low: the smallest allowed value.

    Raises:
      ValueError: another dtype, or, in eager mode, values outside the range, or NaN.
    """
    maps = tf.convert_to_tensor(maps)
    if not maps.dtype.is_floating:
        raise ValueError(f"{name} must be floating-point in [{low:g}, 1], got {maps.dtype.name}")
    if tf.executing_eagerly():
        check_range(maps, name, low, 1.0)
    return maps


def unscale_images(images: tf.Tensor) -> tf.Tensor:
    """Scales float images in [-1, 1] to uint8 in [0, 255]; values outside the range are clipped."""
    return round_to_uint8((images + 1.0) * 127.5)


def round_to_uint8(values: tf.Tensor) -> tf.Tensor:
    """Rounds floats in [0, 255] to uint8; values outside the range are clipped."""
    return tf.cast(tf.clip_by_value(tf.round(values), 0.0, 255.0), tf.uint8)
