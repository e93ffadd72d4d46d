"""Photographs through trained networks: a person into another pose, and the pose of a person.

Names load on first use, so that finding poses never imports TensorFlow.
"""

import importlib

_HOMES = {
    "Generated": "gfla_tf.inference.generation",
    "generate": "gfla_tf.inference.generation",
    "load_generator": "gfla_tf.inference.load",
    "PoseEstimator": "gfla_tf.inference.pose_estimator",
    "find_pose": "gfla_tf.inference.pose_source",
}

__all__ = ["Generated", "PoseEstimator", "find_pose", "generate", "load_generator"]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.inference' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
