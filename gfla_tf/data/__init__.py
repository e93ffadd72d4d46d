"""Datasets of image pairs: DeepFashion and Market-1501 (folders or shards), HDF5 files, SyntheticPeople.

Names are imported on first use, so that the rendering processes of SyntheticPeople never import TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "DeepFashion": "gfla_tf.data.deepfashion",
    "Market1501": "gfla_tf.data.market1501",
    "PairFile": "gfla_tf.data.hdf5.reader",
    "SyntheticPeople": "gfla_tf.synthetic",
}

__all__ = ["DeepFashion", "Market1501", "PairFile", "SyntheticPeople"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
