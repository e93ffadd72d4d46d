"""Inference with TFLite files by LiteRT's interpreter (extra `[litert]`)."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.export.network_graph import SIGNATURE


def load_interpreter() -> type:
    """Returns LiteRT's `Interpreter` class.

    Raises:
      InputError: The package is not installed; the message names the extra.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise InputError(
            "TFLite files are compared with the model by LiteRT, and ai-edge-litert cannot be imported "
            f'({error}): python -m pip install "gfla-tf[litert]"'
        ) from error
    return Interpreter


def open_tflite(
    content: bytes, threads: int | None = None
) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns a function that runs a TFLite file: {input: float32 array} -> {output: array}.

    The batch size may change between calls if the file has a dynamic batch dimension.

    Args:
      content: The bytes of the file.
      threads: The number of threads; `None` uses one per core.

    Raises:
      InputError: The package is not installed.
    """
    interpreter = load_interpreter()(model_content=content, num_threads=threads or os.cpu_count() or 1)
    runner = interpreter.get_signature_runner(SIGNATURE)

    def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return runner(**{name: np.asarray(value, np.float32) for name, value in inputs.items()})

    return run
