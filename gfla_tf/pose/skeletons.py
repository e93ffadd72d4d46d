"""The keypoint sets of OpenPose and COCO, and conversion between them.

A person is float32 [25, 3] (y, x, confidence), in pixels, in the order of BODY_25, which contains the other
two sets. A missing keypoint is (-1, -1, 0).
"""

from __future__ import annotations

import numpy as np

BODY_25 = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "mid_hip"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
)
"""OpenPose's BODY_25."""

COCO_18 = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
"""OpenPose's COCO set, which this project uses: BODY_25 without the middle hip and the feet."""

COCO_17 = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""The keypoints of the COCO dataset, in its order. There is no neck."""

_INDEX = {name: index for index, name in enumerate(BODY_25)}


def person_from(
    points: np.ndarray,
    names: tuple[str, ...],
    min_confidence: float = 0.0,
    visible: np.ndarray | None = None,
) -> np.ndarray:
    """Converts the keypoints of one of the sets to a person, float32 [25, 3] (y, x, confidence).

    If the set has no neck, it is the midpoint of the shoulders, with the lower of their confidences, provided
    that both are found and visible. No other keypoint is derived.

    Args:
      points: [n, 3] (y, x, confidence) in the order of `names`.
      names: different names of `BODY_25`, such as `BODY_25`, `COCO_18` or `COCO_17`.
      min_confidence: keypoints of lower confidence, or of confidence 0, are marked as missing.
      visible: bool [n], for formats that mark occluded keypoints; by default all found keypoints are visible.

    Raises:
      ValueError: the points are not [n, 3] for the n names.
    """
    points = np.asarray(points, np.float32)
    if points.shape != (len(names), 3):
        raise ValueError(f"points must be [{len(names)}, 3], got shape {points.shape}")
    found = (points[:, 2:] >= min_confidence) & (points[:, 2:] > 0)
    points = np.where(found, points, np.float32((-1.0, -1.0, 0.0)))
    person = np.full((len(BODY_25), 3), (-1.0, -1.0, 0.0), np.float32)
    person[[_INDEX[name] for name in names]] = points
    if "neck" not in names:
        indices = [names.index("left_shoulder"), names.index("right_shoulder")]
        shoulders = points[indices]
        if (shoulders[:, 2] > 0).all() and (visible is None or visible[indices].all()):
            person[_INDEX["neck"]] = (*shoulders[:, :2].mean(0), shoulders[:, 2].min())
    return person


def select(person: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Selects the keypoints `names` of a person [25, 3]: float32 [n, 3] in that order."""
    return person[[_INDEX[name] for name in names]]


def box_area(person: np.ndarray) -> float:
    """Area in square pixels of the bounding box of a person's found keypoints; 0 without any."""
    found = person[person[:, 2] > 0, :2]
    return float(np.prod(np.ptp(found, axis=0))) if len(found) else 0.0
