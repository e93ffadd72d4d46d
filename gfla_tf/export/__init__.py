"""Trained models in forms that run without this package.

Names load on first use, so that an output can be checked before TensorFlow is imported.
"""

import importlib

_HOMES = {
    "ExportedFile": "gfla_tf.export.exported_file",
    "ExportedModel": "gfla_tf.export.saved_model",
    "export_onnx": "gfla_tf.export.onnx",
    "export_saved_model": "gfla_tf.export.saved_model",
    "export_tflite": "gfla_tf.export.tflite",
}

__all__ = ["ExportedFile", "ExportedModel", "export_onnx", "export_saved_model", "export_tflite"]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gfla_tf.export' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
