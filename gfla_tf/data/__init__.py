"""Datasets of image pairs: DeepFashion and Market-1501 (folders or shards), HDF5 files, SyntheticPeople.

Names are imported on first use, so that the rendering processes of SyntheticPeople never import TensorFlow.
"""

from gfla_tf._lazy import lazy_names

_MODULES = {
    "DeepFashion": "gfla_tf.data.deepfashion",
    "Market1501": "gfla_tf.data.market1501",
    "PairFile": "gfla_tf.data.hdf5.reader",
    "SyntheticPeople": "gfla_tf.synthetic",
}

__all__ = ["DeepFashion", "Market1501", "PairFile", "SyntheticPeople"]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
