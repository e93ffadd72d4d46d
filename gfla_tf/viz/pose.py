"""Drawing of COCO-18 skeletons, with one color per joint and limb."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from gfla_tf.viz.images import to_uint8

LIMBS = (
    (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Pairs of joints that are connected by a line, in OpenPose's order."""


def _hues(count: int) -> np.ndarray:
    """Returns `count` evenly spaced bright hues, uint8 RGB [count, 3]."""
    hsv = np.stack([np.arange(count) * 180 / count, np.full(count, 200), np.full(count, 255)], -1)
    return cv2.cvtColor(hsv.astype(np.uint8)[None], cv2.COLOR_HSV2RGB)[0]


JOINT_COLORS = _hues(18)
"""The RGB color of each joint, uint8 [18, 3]; a limb has the color of its second joint."""


def keypoints_from_heatmaps(heatmaps: ArrayLike, threshold: float = 0.1) -> np.ndarray:
    """Returns the position of the maximum of each heatmap.

    Args:
      heatmaps: [H, W, 18].
      threshold: joints whose maximum is smaller are missing.

    Returns:
      float32 [18, 2] (y, x) in pixels; missing joints are (-1, -1).
    """
    heatmaps = np.asarray(heatmaps)
    flat = heatmaps.reshape(-1, heatmaps.shape[-1])
    y, x = np.unravel_index(flat.argmax(0), heatmaps.shape[:2])
    points = np.stack([y, x], -1).astype(np.float32)
    points[flat.max(0) < threshold] = -1.0
    return points


def draw_pose(
    keypoints: ArrayLike,
    size: tuple[int, int],
    canvas: ArrayLike | None = None,
    out_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Draws a skeleton on an image.

    Args:
      keypoints: [18, 2] (y, x) in pixels of an image of `size`; negative coordinates mark missing joints.
      size: (h, w) of the image to which the keypoints refer.
      canvas: the image to draw on, uint8 or float in [-1, 1]; it is resized to `out_size`. By default, a
        nearly black one.
      out_size: (H, W) of the result; `size` by default.

    Returns:
      uint8 RGB [H, W, 3].

    Raises:
      ValueError: the keypoints are not [18, 2].
    """
    keypoints = np.asarray(keypoints, np.float32)
    if keypoints.shape != (18, 2):
        raise ValueError(f"keypoints must be [18, 2] (y, x), got shape {keypoints.shape}")
    height, width = out_size or size
    if canvas is None:
        image = np.full((height, width, 3), 18, np.uint8)
    else:
        image = cv2.resize(to_uint8(canvas), (width, height), interpolation=cv2.INTER_LINEAR)
    scale = np.array([height / size[0], width / size[1]], np.float32)
    present = (keypoints >= 0).all(-1) & np.isfinite(keypoints).all(-1)
    points = np.where(present[:, None], (np.nan_to_num(keypoints) + 0.5) * scale - 0.5, 0.0)
    thick = max(1, round(height / 48))
    for first, last in LIMBS:
        if present[first] and present[last]:
            line = (_subpixel(points[first]), _subpixel(points[last]))
            cv2.line(image, *line, JOINT_COLORS[last].tolist(), thick, cv2.LINE_AA, 4)
    for point, color, visible in zip(points, JOINT_COLORS, present, strict=True):
        if visible:
            cv2.circle(image, _subpixel(point), 16 * thick, color.tolist(), -1, cv2.LINE_AA, 4)
    return image


def _subpixel(point_yx: np.ndarray) -> tuple[int, int]:
    """Converts (y, x) to (x, y) in sixteenths of a pixel, for OpenCV's `shift=4`."""
    return round(float(point_yx[1]) * 16), round(float(point_yx[0]) * 16)
