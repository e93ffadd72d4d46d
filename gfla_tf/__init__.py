"""GFLA in TensorFlow and Keras: a source photo and a target pose in, that person in that pose out.

Sub-packages are imported on first use, so `import gfla_tf` is fast and does not import TensorFlow. After it,
`keras.saving.load_model` can load this package's classes.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

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

__all__ = ["__version__", "generate", *_SUBPACKAGES]


register_later()


class _Package(types.ModuleType):
    """This package, in which `generate` is always the function, not the module of that name."""

    @property
    def generate(self) -> Any:
        return importlib.import_module("gfla_tf.generate").generate

    @generate.setter
    def generate(self, module: types.ModuleType) -> None:
        """Ignores the binding of the module, which every import of a submodule makes in its package."""


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"gfla_tf.{name}")
    raise AttributeError(f"module 'gfla_tf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
