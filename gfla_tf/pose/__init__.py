"""Poses: the 18 keypoints, pose files, heatmaps, and pose estimation.

Names are imported on first use, so that reading and estimating poses never imports TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "KEYPOINTS": "gfla_tf.pose.keypoints",
    "PoseEstimator": "gfla_tf.pose.estimator",
    "find_pose": "gfla_tf.pose.source",
    "pose_heatmaps": "gfla_tf.pose.heatmaps",
}

__all__ = ["KEYPOINTS", "PoseEstimator", "find_pose", "pose_heatmaps"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.pose' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
