"""The first operation whose result is not finite."""

import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

import gfla_tf

_PACKAGE = Path(gfla_tf.__file__).parent
_OWN = ("not_finite.py", "replay.py")  # not what computes the values
_OPERATION = re.compile(r"(?:Op|op) \"?'?([A-Za-z0-9_]+)")


def first_operation(compute: Callable[[], Any]) -> str | None:
    """Calls a function eagerly and describes the first of its operations whose result is not finite.

    Returns:
      The operation with the line of gfla_tf that called it, or None if all results are finite.
    """
    tf.debugging.enable_check_numerics(stack_height_limit=1, path_length_limit=1)
    try:
        compute()
    except tf.errors.InvalidArgumentError as error:
        return _describe(error)
    finally:
        tf.debugging.disable_check_numerics()
    return None


def _describe(error):
    found = _OPERATION.search(str(error))
    operation = f"operation {found.group(1)}" if found else "an operation"
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _is_ours(frame)]
    if not ours:
        return operation
    last = ours[-1]
    gradient = any(frame.name in ("gradient", "_gradient_function") for frame in frames)
    where = f"{Path(last.filename).relative_to(_PACKAGE.parent)}, line {last.lineno}, {last.name}"
    return f"{operation} {'of a gradient, called by' if gradient else 'in'} {where}"


def _is_ours(frame):
    path = Path(frame.filename)
    return path.is_relative_to(_PACKAGE) and path.name not in _OWN
