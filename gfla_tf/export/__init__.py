"""Trained models in forms that run without this package.

Names load on first use, so that an output can be checked before TensorFlow is imported.
"""

import importlib

_HOMES = {
    "ExportedModel": "gfla_tf.export.saved_model",
    "export_saved_model": "gfla_tf.export.saved_model",
}

__all__ = ["ExportedModel", "export_saved_model"]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.export' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
