"""Datasets of pairs: the folders of the two real datasets, shards, HDF5 files, and SyntheticPeople.

Names load on first use, so that the rendering processes of SyntheticPeople never import TensorFlow.
"""

import importlib

_HOMES = {
    "DeepFashion": "gfla_tf.data.deepfashion",
    "Market1501": "gfla_tf.data.market1501",
    "PairFile": "gfla_tf.data.hdf5.reader",
    "SyntheticPeople": "gfla_tf.synthetic",
}

__all__ = ["DeepFashion", "Market1501", "PairFile", "SyntheticPeople"]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.data' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
