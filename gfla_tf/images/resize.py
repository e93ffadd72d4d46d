"""Resizing by name: the protocols under which a dataset's images are prepared, in NumPy and OpenCV.

`pil-bilinear` and `pil-bicubic` are the antialiased `Image.resize` of Pillow 13, to the last bit; `area` is
OpenCV's INTER_AREA. The names stand in `protocol.json`.

Pillow rounds to 8 bits after each axis, so the order of the axes shows. Before Pillow 13 it was always the
width first. Pillow 13 takes the height first where that saves work, which photographs in DeepFashion's sizes
never meet: for these all versions agree.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

INTERPOLATIONS = ("pil-bilinear", "pil-bicubic", "area")
"""The resizing protocols by name."""

_PRECISION = 22  # bits behind the point of Pillow's weights for 8-bit images


def resize(rgb: np.ndarray, size: tuple[int, int], interpolation: str = "pil-bilinear") -> np.ndarray:
    """Resizes uint8 [h, w, C] to uint8 [H, W, C].

    Args:
      rgb: the picture.
      size: (H, W) in pixels.
      interpolation: one of `INTERPOLATIONS`.

    Raises:
      ValueError: another name, a picture that is not uint8 [h, w, C], or an empty size.
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {INTERPOLATIONS}, got {interpolation!r}")
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or not rgb.size:
        raise ValueError(f"a picture is uint8 [h, w, C], got {rgb.dtype} {rgb.shape}")
    if min(size) < 1:
        raise ValueError(f"size must be positive, got {size}")
    if rgb.shape[:2] == tuple(size):
        return rgb
    if interpolation == "area":
        return cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, rgb.shape[2])
    rows_less, columns_less = rgb.shape[0] - size[0], rgb.shape[1] - size[1]
    if rows_less > max(0, 2 * columns_less):
        return _resize_columns(_resize_rows(rgb, size[0], interpolation), size[1], interpolation)
    return _resize_rows(_resize_columns(rgb, size[1], interpolation), size[0], interpolation)


def _resize_columns(picture: np.ndarray, length: int, interpolation: str) -> np.ndarray:
    """uint8 [h, w, C] -> uint8 [h, length, C]."""
    return _transpose(_resize_rows(_transpose(picture), length, interpolation))


def _transpose(picture: np.ndarray) -> np.ndarray:
    """[h, w, C] -> [w, h, C]."""
    height, width, channels = picture.shape
    return cv2.transpose(picture).reshape(width, height, channels)


def _resize_rows(picture: np.ndarray, length: int, interpolation: str) -> np.ndarray:
    """uint8 [h, w, C] -> uint8 [length, w, C], in whole numbers and rounded once, as Pillow does."""
    if len(picture) == length:
        return picture
    first, weights = _taps(len(picture), length, interpolation)
    total = np.full((length, *picture.shape[1:]), 1 << (_PRECISION - 1), np.int32)
    for tap in range(weights.shape[1]):
        rows = picture[np.minimum(first + tap, len(picture) - 1)]
        total += rows * weights[:, tap, None, None]
    return np.clip(total >> _PRECISION, 0, 255).astype(np.uint8)


@functools.lru_cache(maxsize=64)
def _taps(inner: int, outer: int, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """For each of `outer` samples of a line of `inner`: the first sample read [outer], and the weights of it
    and its successors, int32 [outer, taps] with `_PRECISION` bits behind the point (0 beyond the last).

    The kernel is stretched by inner / outer when that reduces, cut off at the line's ends, and its weights
    then sum to 1.
    """
    kernel, radius = {"pil-bilinear": (_triangle, 1.0), "pil-bicubic": (_cubic, 2.0)}[interpolation]
    stretch = max(inner / outer, 1.0)
    centre = (np.arange(outer) + 0.5) * (inner / outer)
    first = np.maximum((centre - radius * stretch + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + radius * stretch + 0.5).astype(np.int64), inner)
    tap = np.arange((end - first).max())
    weights = kernel((tap + first[:, None] - centre[:, None] + 0.5) * (1.0 / stretch))
    weights = np.where(tap < (end - first)[:, None], weights, 0.0)
    weights /= weights.sum(1, keepdims=True)
    whole = np.trunc(weights * (1 << _PRECISION) + np.copysign(0.5, weights))
    return first, whole.astype(np.int32)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys's cubic convolution with a = -0.5, for |x| up to 2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
