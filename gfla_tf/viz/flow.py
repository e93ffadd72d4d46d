"""Flow fields as colours: the wheel of the Middlebury benchmark (Baker et al., IJCV 2011).

The hue is the direction in which a flow vector (dx, dy) points, x to the right and y *down*: right is red,
down yellow, left cyan, up violet-blue. The saturation is the length over `max_magnitude`: no motion is
white, `max_magnitude` the full colour, longer ones are darkened to three quarters. So in a person's flow,
red means "this pixel is read from further right in the source".
"""

from __future__ import annotations

import cv2
import numpy as np

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
    """The 55 hues in [0, 1], float32 [55, 3], from red round to red again."""
    hues = []
    for (first, last), count in _STEPS:
        start, end = np.array(_CORNERS[first]), np.array(_CORNERS[last])
        hues.append(start + (end - start) * (np.arange(count) / count)[:, None])
    return (np.concatenate(hues) / 255.0).astype(np.float32)


_WHEEL = _make_wheel()


def flow_to_color(flow, max_magnitude: float | None = None) -> np.ndarray:
    """Colours a flow [..., H, W, 2] (dx, dy) as uint8 RGB [..., H, W, 3].

    Args:
      flow: pixels of its own map, the flow convention of `gfla_tf.ops`.
      max_magnitude: the length, in the flow's own unit, that gets the full colour. None: the longest finite
        vector of the whole array (a batch shares one scale), at least 1e-6.

    Returns:
      The picture; vectors that are not finite are black.

    Raises:
      ValueError: the last axis is not 2, or `max_magnitude` is not positive.
    """
    flow = np.asarray(flow, np.float32)
    if flow.ndim < 2 or flow.shape[-1] != 2:
        raise ValueError(f"a flow is [..., 2] (dx, dy), got shape {flow.shape}")
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
    colour = np.where(radius <= 1.0, 1.0 - radius * (1.0 - hue), 0.75 * hue)
    colour = np.where(finite[..., None], colour, 0.0)
    return np.rint(colour * 255.0).astype(np.uint8)


def flow_wheel(size: int = 129, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """The legend: a disc of `size` pixels across, uint8 [size, size, 3], the colour of each vector at its
    tip.
    """
    axis = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    dx, dy = np.meshgrid(axis, axis)
    disc = flow_to_color(np.stack([dx, dy], -1), max_magnitude=1.0).astype(np.float32)
    edge = np.clip((1.0 - np.hypot(dx, dy)) * size / 2, 0.0, 1.0)[..., None]
    return np.rint(disc * edge + np.array(background, np.float32) * (1 - edge)).astype(np.uint8)


def resize_map(values, size: tuple[int, int]) -> np.ndarray:
    """Resizes masks [B, H', W'] or [B, H', W', 1] bilinearly to float32 [B, H, W]."""
    values = np.asarray(values, np.float32)
    if values.ndim == 4 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise ValueError(f"a mask is [B, H, W] or [B, H, W, 1], got shape {values.shape}")
    if not len(values):
        return np.zeros((0, *size), np.float32)
    return np.stack([cv2.resize(one, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) for one in values])
