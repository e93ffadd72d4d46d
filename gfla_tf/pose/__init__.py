"""Poses: the 18 keypoints, pose files, heatmaps, and finding the pose of a photograph.

Names load on first use, so that reading and finding poses never imports TensorFlow.
"""

import importlib

_HOMES = {
    "KEYPOINTS": "gfla_tf.pose.keypoints",
    "PoseEstimator": "gfla_tf.pose.estimator",
    "find_pose": "gfla_tf.pose.source",
    "pose_heatmaps": "gfla_tf.pose.heatmaps",
}

__all__ = ["KEYPOINTS", "PoseEstimator", "find_pose", "pose_heatmaps"]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.pose' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
