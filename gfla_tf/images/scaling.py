"""The conversion of images to the value range of the networks."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def scale_images(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Scales uint8 images in [0, 255] to float32 in [-1, 1]: x / 127.5 - 1.

    Args:
      images: any shape. Floating-point images are in [-1, 1] already and are returned unchanged.

    Returns:
      A floating-point tensor of the same shape.

    Raises:
      ValueError: another dtype.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype.is_floating:
        return images
    if images.dtype != tf.uint8:
        raise ValueError(
            f"images must be uint8 in [0, 255] or floating-point in [-1, 1], got {images.dtype.name}"
        )
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def unscale_images(images: tf.Tensor) -> tf.Tensor:
    """Scales float images in [-1, 1] to uint8 in [0, 255]; values outside the range are clipped."""
    return round_to_uint8((images + 1.0) * 127.5)


def round_to_uint8(values: tf.Tensor) -> tf.Tensor:
    """Rounds floats in [0, 255] to uint8; values outside the range are clipped."""
    return tf.cast(tf.clip_by_value(tf.round(values), 0.0, 255.0), tf.uint8)
