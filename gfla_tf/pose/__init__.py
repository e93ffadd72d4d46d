"""Poses: the 18 keypoints, pose files, heatmaps, and pose estimation.

Names are imported on first use, so that reading and estimating poses never imports TensorFlow.
"""

from gfla_tf._lazy import lazy_names

_MODULES = {
    "KEYPOINTS": "gfla_tf.pose.keypoints",
    "PoseEstimator": "gfla_tf.pose.estimator",
    "find_pose": "gfla_tf.pose.source",
    "pose_heatmaps": "gfla_tf.pose.heatmaps",
}

__all__ = ["KEYPOINTS", "PoseEstimator", "find_pose", "pose_heatmaps"]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
