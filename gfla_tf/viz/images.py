"""Conversion of images to uint8, and resizing for display."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike


def to_uint8(images: ArrayLike) -> np.ndarray:
    """Converts images to uint8 in [0, 255]; the NumPy counterpart of `gfla_tf.images.scaling.unscale_images`.

    Args:
      images: any shape. Floating-point images are in [-1, 1]; values outside the range are clipped. uint8
        images are returned unchanged.

    Returns:
      uint8 of the same shape: round((x + 1) 127.5).

    Raises:
      ValueError: another dtype.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"images must be uint8 in [0, 255] or floating-point in [-1, 1], got {images.dtype}")
    return np.clip(np.rint((images.astype(np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes an image for display: area averaging if an axis is reduced, otherwise bicubic.

    Args:
      image: uint8 [h, w, 3] or [h, w].
      size: (H, W) in pixels.

    Returns:
      uint8 [H, W, 3] or [H, W].
    """
    height, width = size
    if image.shape[:2] == (height, width):
        return image
    reducing = height < image.shape[0] or width < image.shape[1]
    method = cv2.INTER_AREA if reducing else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=method)
