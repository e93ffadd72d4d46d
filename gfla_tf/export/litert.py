"""TFLite files run by LiteRT's interpreter, which is a package of its own (extra `[litert]`)."""

from __future__ import annotations

import os

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.export.network_graph import SIGNATURE


def load_interpreter():
    """LiteRT's `Interpreter` class.

    Raises:
      InputError: the package is not installed; the sentence names the extra.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise InputError(
            "TFLite files are compared with the model by LiteRT, and ai-edge-litert cannot be imported "
            f'({error}): python -m pip install "gfla_tf[litert]"'
        ) from error
    return Interpreter


def open_tflite(content: bytes, threads: int | None = None):
    """A function of {input: float32 array} that returns {output: array}; the batch may change between calls
    where the file allows it.

    Args:
      threads: None: one for each core.

    Raises:
      InputError: the package is not installed.
    """
    interpreter = load_interpreter()(model_content=content, num_threads=threads or os.cpu_count() or 1)
    run = interpreter.get_signature_runner(SIGNATURE)

    def call(inputs):
        return run(**{name: np.asarray(value, np.float32) for name, value in inputs.items()})

    return call
