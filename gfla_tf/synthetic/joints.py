"""Projection and visibility of the 18 keypoints of a posed person."""

from __future__ import annotations

import numpy as np

from .body import BONE
from .person import Person
from .scene import Camera

# COCO-18 order: bone, side (1 left, -1 right), joint, and the largest depth of the joint below the visible
# surface.
_KEYPOINTS = (
    ("head", 0, "nose", 0.02), ("chest", 0, "neck", 0.07),
    ("right_upper_arm", -1, "shoulder", 0.06), ("right_lower_arm", -1, "elbow", 0.05),
    ("right_lower_arm", -1, "wrist", 0.04), ("left_upper_arm", 1, "shoulder", 0.06),
    ("left_lower_arm", 1, "elbow", 0.05), ("left_lower_arm", 1, "wrist", 0.04),
    ("right_thigh", -1, "hip", 0.115), ("right_shin", -1, "knee", 0.065), ("right_shin", -1, "ankle", 0.05),
    ("left_thigh", 1, "hip", 0.115), ("left_shin", 1, "knee", 0.065), ("left_shin", 1, "ankle", 0.05),
    ("head", -1, "eye", 0.02), ("head", 1, "eye", 0.02), ("head", -1, "ear", 0.032),
    ("head", 1, "ear", 0.032),
)  # fmt: skip
# Surface normal of a point of the face in the head's frame, and the least cosine of its angle to the viewer.
_FACING = {"nose": ((0, 0, 1), -0.10), "eye": ((0.30, 0, 0.95), 0.02), "ear": ((0.97, 0, -0.2), -0.45)}


def _rest_position(person, joint, side):
    """Rest position of a keypoint in body space."""
    body, wide = person.body, person.complexion.half_width
    chin, tall = body.chin_y, body.head_height
    return {
        "nose": (0, chin + 0.37 * tall, 1.22 * wide),
        "neck": (0, body.shoulder_y + 0.012, -0.004),
        "shoulder": (side * body.shoulder_x, body.shoulder_y, -0.006),
        "elbow": (side * body.shoulder_x, body.elbow_y, 0.0),
        "wrist": (side * body.shoulder_x, body.wrist_y, 0.0),
        "hip": (side * body.hip_x, body.hip_y, 0),
        "knee": (side * body.hip_x, body.knee_y, 0),
        "ankle": (side * body.hip_x, body.ankle_y, -0.008),
        "eye": (side * 0.385 * wide, chin + 0.515 * tall, 1.12 * wide),
        "ear": (side * 0.99 * wide, chin + 0.44 * tall, 0.0),
    }[joint]


def project_keypoints(
    person: Person, rotation: np.ndarray, position: np.ndarray, camera: Camera, depth: np.ndarray
) -> np.ndarray:
    """Projects the keypoints into the image.

    Args:
      person: the person.
      rotation: world rotation of each bone, [13, 3, 3].
      position: world position of each bone's joint, [13, 3].
      camera: the camera.
      depth: the depth buffer of the rendering, [H * supersample, W * supersample].

    Returns:
      float32 [18, 2], (y, x) in pixels; -1 where a keypoint is outside the frame, turned away or occluded.
    """
    height, width = camera.image_size
    ss = depth.shape[0] // height
    pivots = person.body.pivots()
    result = np.full((len(_KEYPOINTS), 2), -1.0, np.float32)
    for row, (bone, side, joint, flesh) in enumerate(_KEYPOINTS):
        b = BONE[bone]
        rest = np.asarray(_rest_position(person, joint, side), np.float64)
        point = rotation[b] @ (rest - pivots[b]) + position[b]
        x, y = camera.project(point)
        if joint in _FACING:
            (dx, dy, dz), least = _FACING[joint]
            direction = rotation[b] @ np.array([side * dx if side else dx, dy, dz])
            if direction[2] / np.linalg.norm(rotation[b][:, 0]) < least:
                continue
        column, line = int(np.floor((x + 0.5) * ss)), int(np.floor((y + 0.5) * ss))
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            continue
        if depth[line, column] - point[2] < flesh:
            result[row] = (y, x)
    return result
