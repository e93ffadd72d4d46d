"""Color coding of flow fields with the Middlebury color wheel (Baker et al., IJCV 2011).

The hue is the direction of a flow vector (dx, dy), with x to the right and y *down*: right is red, down is
yellow, left is cyan and up is violet-blue. The saturation is the length divided by `max_magnitude`: zero is
white and `max_magnitude` is fully saturated; the color of longer vectors is darkened to three quarters. In
the flow of a person, red means that a pixel is sampled from further right in the source.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

_STEPS = (("RY", 15), ("YG", 6), ("GC", 4), ("CB", 11), ("BM", 13), ("MR", 6))
_CORNERS = {
    "R": (255, 0, 0),
    "Y": (255, 255, 0),
    "G": (0, 255, 0),
    "C": (0, 255, 255),
    "B": (0, 0, 255),
    "M": (255, 0, 255),
}


def _make_wheel() -> np.ndarray:
    """Returns the 55 hues in [0, 1], float32 RGB [55, 3], starting with red."""
    hues = []
    for (first, last), count in _STEPS:
        start, end = np.array(_CORNERS[first]), np.array(_CORNERS[last])
        hues.append(start + (end - start) * (np.arange(count) / count)[:, None])
    return (np.concatenate(hues) / 255.0).astype(np.float32)


_WHEEL = _make_wheel()


def flow_to_color(flow: ArrayLike, max_magnitude: float | None = None) -> np.ndarray:
    """Converts flow fields to color images.

    Args:
      flow: [..., H, W, 2] (dx, dy) in pixels of its own map, the flow convention of `gfla_tf.ops`.
      max_magnitude: the length, in the unit of the flow, that is fully saturated. By default, the length of
        the longest finite vector of the whole array (a batch shares one scale), but at least 1e-6.

    Returns:
      uint8 RGB [..., H, W, 3]; vectors that are not finite are black.

    Raises:
      ValueError: the last axis does not have size 2, or `max_magnitude` is not positive.
    """
    flow = np.asarray(flow, np.float32)
    if flow.ndim < 2 or flow.shape[-1] != 2:
        raise ValueError(f"flow must be [..., 2] (dx, dy), got shape {flow.shape}")
    finite = np.isfinite(flow).all(-1)
    flow = np.where(finite[..., None], flow, 0.0)
    length = np.linalg.norm(flow, axis=-1)
    if max_magnitude is None:
        max_magnitude = max(float(length.max(initial=0.0)), 1e-6)
    elif not max_magnitude > 0:
        raise ValueError(f"max_magnitude must be positive, got {max_magnitude}")
    radius = (length / max_magnitude)[..., None]
    turn = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1.0
    position = turn * len(_WHEEL)
    first = np.floor(position).astype(np.int32) % len(_WHEEL)
    blend = (position - np.floor(position))[..., None]
    hue = _WHEEL[first] * (1 - blend) + _WHEEL[(first + 1) % len(_WHEEL)] * blend
    color = np.where(radius <= 1.0, 1.0 - radius * (1.0 - hue), 0.75 * hue)
    color = np.where(finite[..., None], color, 0.0)
    return np.rint(color * 255.0).astype(np.uint8)


def flow_wheel(size: int = 129, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """Draws a legend of the colors: a disc where each point has the color of the vector from the center.

    Args:
      size: the diameter of the disc in pixels.
      background: the RGB color around the disc.

    Returns:
      uint8 RGB [size, size, 3].
    """
    axis = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    dx, dy = np.meshgrid(axis, axis)
    disc = flow_to_color(np.stack([dx, dy], -1), max_magnitude=1.0).astype(np.float32)
    edge = np.clip((1.0 - np.hypot(dx, dy)) * size / 2, 0.0, 1.0)[..., None]
    return np.rint(disc * edge + np.array(background, np.float32) * (1 - edge)).astype(np.uint8)


def resize_map(values: ArrayLike, size: tuple[int, int]) -> np.ndarray:
    """Resizes masks bilinearly.

    Args:
      values: [B, h, w] or [B, h, w, 1].
      size: (H, W) in pixels.

    Returns:
      float32 [B, H, W].

    Raises:
      ValueError: another shape.
    """
    values = np.asarray(values, np.float32)
    if values.ndim == 4 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise ValueError(f"masks must be [B, H, W] or [B, H, W, 1], got shape {values.shape}")
    if not len(values):
        return np.zeros((0, *size), np.float32)
    return np.stack([cv2.resize(one, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) for one in values])
