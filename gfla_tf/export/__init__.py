"""Export of trained models to formats that run without this package.

Submodules are imported on first use, so that an output path can be checked before TensorFlow is imported.
"""

from gfla_tf._lazy import lazy_names

_MODULES = {
    "ExportedFile": "gfla_tf.export.exported_file",
    "ExportedModel": "gfla_tf.export.saved_model",
    "export_onnx": "gfla_tf.export.onnx",
    "export_saved_model": "gfla_tf.export.saved_model",
    "export_tflite": "gfla_tf.export.tflite",
}

__all__ = ["ExportedFile", "ExportedModel", "export_onnx", "export_saved_model", "export_tflite"]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
