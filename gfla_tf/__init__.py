"""GFLA in TensorFlow and Keras: a source photo and a target pose in, that person in that pose out.

Sub-packages load on first use, so `import gfla_tf` costs nothing until something is asked of it. Afterwards
`keras.saving.load_model` knows our classes.
"""

import importlib

from gfla_tf._registration import register_later
from gfla_tf._version import __version__

_SUBPACKAGES = (
    "cli",
    "config",
    "data",
    "errors",
    "evaluation",
    "export",
    "features",
    "files",
    "images",
    "interop",
    "layers",
    "losses",
    "models",
    "native",
    "ops",
    "pose",
    "report",
    "synthetic",
    "training",
    "viz",
    "weight_files",
)

__all__ = ["__version__", *_SUBPACKAGES]


register_later()


def __getattr__(name):
    if name in _SUBPACKAGES:
        return importlib.import_module(f"gfla_tf.{name}")
    raise AttributeError(f"module 'gfla_tf' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
