"""Skeletons of COCO-18 keypoints, drawn with a colour a limb and a colour a joint."""

from __future__ import annotations

import cv2
import numpy as np

from gfla_tf.viz.images import to_uint8

LIMBS = (
    (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Pairs of joints that are joined by a line, in the order of OpenPose."""


def _hues(count: int) -> np.ndarray:
    """`count` well separated bright colours, uint8 [count, 3]."""
    hsv = np.stack([np.arange(count) * 180 / count, np.full(count, 200), np.full(count, 255)], -1)
    return cv2.cvtColor(hsv.astype(np.uint8)[None], cv2.COLOR_HSV2RGB)[0]


JOINT_COLOURS = _hues(18)
"""uint8 [18, 3], RGB: the colour of each joint; a limb has the colour of its second joint."""


def keypoints_from_heatmaps(heatmaps, threshold: float = 0.1) -> np.ndarray:
    """The highest pixel of each map [H, W, 18] as float32 [18, 2] (y, x); (-1, -1) where no value reaches
    `threshold`.
    """
    heatmaps = np.asarray(heatmaps)
    flat = heatmaps.reshape(-1, heatmaps.shape[-1])
    y, x = np.unravel_index(flat.argmax(0), heatmaps.shape[:2])
    points = np.stack([y, x], -1).astype(np.float32)
    points[flat.max(0) < threshold] = -1.0
    return points


def draw_pose(
    keypoints, size: tuple[int, int], canvas=None, out_size: tuple[int, int] | None = None
) -> np.ndarray:
    """Draws a skeleton.

    Args:
      keypoints: [18, 2] (y, x) in pixels of a frame of `size`; a negative value means missing.
      size: (H, W) of that frame.
      canvas: a picture to draw on, any size (it is resized to `out_size`); None: near-black.
      out_size: (H, W) of the result; None: `size`.

    Returns:
      uint8 RGB [H, W, 3] of `out_size`.

    Raises:
      ValueError: the keypoints are not [18, 2].
    """
    keypoints = np.asarray(keypoints, np.float32)
    if keypoints.shape != (18, 2):
        raise ValueError(f"keypoints are [18, 2] (y, x), got shape {keypoints.shape}")
    height, width = out_size or size
    if canvas is None:
        picture = np.full((height, width, 3), 18, np.uint8)
    else:
        picture = cv2.resize(to_uint8(canvas), (width, height), interpolation=cv2.INTER_LINEAR)
    scale = np.array([height / size[0], width / size[1]], np.float32)
    present = (keypoints >= 0).all(-1) & np.isfinite(keypoints).all(-1)
    points = np.where(present[:, None], (np.nan_to_num(keypoints) + 0.5) * scale - 0.5, 0.0)
    thick = max(1, round(height / 48))
    for first, last in LIMBS:
        if present[first] and present[last]:
            line = (_subpixel(points[first]), _subpixel(points[last]))
            cv2.line(picture, *line, JOINT_COLOURS[last].tolist(), thick, cv2.LINE_AA, 4)
    for point, colour, there in zip(points, JOINT_COLOURS, present, strict=True):
        if there:
            cv2.circle(picture, _subpixel(point), 16 * thick, colour.tolist(), -1, cv2.LINE_AA, 4)
    return picture


def _subpixel(point_yx) -> tuple[int, int]:
    """(x, y) in sixteenths of a pixel, as OpenCV's `shift=4` wants it."""
    return round(float(point_yx[1]) * 16), round(float(point_yx[0]) * 16)
