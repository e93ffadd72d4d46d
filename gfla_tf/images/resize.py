"""The named resizing protocols under which a dataset's images are prepared."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

_PILLOW = {"pil-bilinear": Image.Resampling.BILINEAR, "pil-bicubic": Image.Resampling.BICUBIC}

INTERPOLATIONS = (*_PILLOW, "area")
"""The protocols, as recorded in `protocol.json`: `Image.resize` of Pillow, and OpenCV's INTER_AREA."""


def resize(rgb: np.ndarray, size: tuple[int, int], interpolation: str = "pil-bilinear") -> np.ndarray:
    """Resizes an image, with antialiasing.

    Pillow rounds to 8 bits after each axis, so the order of the axes matters. Before version 13, the width
    was always resized first; version 13 resizes the height first where that is faster, which does not occur
    at DeepFashion's sizes.

    Args:
      rgb: uint8 [h, w, 3].
      size: (H, W) in pixels.
      interpolation: one of `INTERPOLATIONS`.

    Returns:
      uint8 [H, W, 3].

    Raises:
      ValueError: an unknown interpolation, an image that is not uint8 [h, w, 3], or an empty size.
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {INTERPOLATIONS}, got {interpolation!r}")
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3 or not rgb.size:
        raise ValueError(f"an image must be uint8 [h, w, 3], got {rgb.dtype} {rgb.shape}")
    if min(size) < 1:
        raise ValueError(f"size must be positive, got {size}")
    if rgb.shape[:2] == tuple(size):
        return rgb
    if interpolation == "area":
        return cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA)
    return np.array(Image.fromarray(rgb).resize(size[::-1], _PILLOW[interpolation]))
