"""Data: poses and images, the folders of the two real datasets, pairs in an HDF5 file, and
SyntheticPeople.

Names load on first use, so that the drawing processes of SyntheticPeople never import TensorFlow.
"""

import importlib

_HOMES = {
    "DeepFashion": "gfla_tf.data.deepfashion",
    "Market1501": "gfla_tf.data.market1501",
    "PairFile": "gfla_tf.data.pair_file",
    "SyntheticPeople": "gfla_tf.data.synthetic",
    "pose_heatmaps": "gfla_tf.data.pose",
    "video_frames": "gfla_tf.data.video",
}

__all__ = ["DeepFashion", "Market1501", "PairFile", "SyntheticPeople", "pose_heatmaps", "video_frames"]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.data' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
