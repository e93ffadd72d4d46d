"""Keypoint sets by name, and people passed from one to the other.

A person is float32 [25, 3], (y, x, confidence) in pixels, in the order of BODY_25, which contains the other
two sets; a keypoint that is missing is (-1, -1, 0).
"""

from __future__ import annotations

import numpy as np

from gfla_tf.pose.keypoints import KEYPOINTS

BODY_25 = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "mid_hip"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
)
"""OpenPose's BODY_25."""

COCO_18 = KEYPOINTS
"""OpenPose's COCO set, this project's order: BODY_25 without the middle hip and the feet."""

COCO_17 = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""The keypoints of the COCO data set, in its order: no neck."""

_PLACE = {name: index for index, name in enumerate(BODY_25)}


def person_from(points, names: tuple[str, ...], min_confidence: float = 0.0, visible=None) -> np.ndarray:
    """A person, float32 [25, 3] (y, x, confidence), from the keypoints of one of the sets.

    Nothing is invented but the neck, where the set has none: the midpoint of the shoulders if both are found
    and visible, with the lower of their confidences.

    Args:
      points: [n, 3] (y, x, confidence) in the order of `names`.
      names: `BODY_25`, `COCO_18` or `COCO_17`.
      min_confidence: a keypoint of lower confidence, or of confidence 0, is missing.
      visible: bool [n], for sets that tell the hidden from the visible; None: all that are found.

    Raises:
      ValueError: the points are not [n, 3] for the n names.
    """
    points = np.asarray(points, np.float32)
    if points.shape != (len(names), 3):
        raise ValueError(f"points must be [{len(names)}, 3], got shape {points.shape}")
    found = (points[:, 2:] >= min_confidence) & (points[:, 2:] > 0)
    points = np.where(found, points, np.float32((-1.0, -1.0, 0.0)))
    person = np.full((len(BODY_25), 3), (-1.0, -1.0, 0.0), np.float32)
    person[[_PLACE[name] for name in names]] = points
    if "neck" not in names:
        places = [names.index("left_shoulder"), names.index("right_shoulder")]
        shoulders = points[places]
        if (shoulders[:, 2] > 0).all() and (visible is None or visible[places].all()):
            person[_PLACE["neck"]] = (*shoulders[:, :2].mean(0), shoulders[:, 2].min())
    return person


def select(person: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The keypoints of a person [25, 3] that a set has, float32 [n, 3] in the order of `names`."""
    return person[[_PLACE[name] for name in names]]


def box_area(person: np.ndarray) -> float:
    """The area in square pixels of the box around a person's keypoints that were found; 0 where none was."""
    found = person[person[:, 2] > 0, :2]
    return float(np.prod(np.ptp(found, axis=0))) if len(found) else 0.0
