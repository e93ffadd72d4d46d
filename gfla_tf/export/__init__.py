"""Export of trained models to formats that run without this package.

Submodules are imported on first use, so that an output path can be checked before TensorFlow is imported.
"""

import importlib
from typing import Any

_MODULES = {
    "ExportedFile": "gfla_tf.export.exported_file",
    "ExportedModel": "gfla_tf.export.saved_model",
    "export_onnx": "gfla_tf.export.onnx",
    "export_saved_model": "gfla_tf.export.saved_model",
    "export_tflite": "gfla_tf.export.tflite",
}

__all__ = ["ExportedFile", "ExportedModel", "export_onnx", "export_saved_model", "export_tflite"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'gfla_tf.export' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
