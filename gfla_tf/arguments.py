"""Checks of constructor arguments, which are also read from files and command lines.

The message has the name, the range and the value. It is an `InputError`, a `ValueError` that the command line
prints.
"""

from __future__ import annotations

import math
import numbers
import reprlib
from typing import Any

import numpy as np

from gfla_tf.errors import InputError


def integer(name: str, value: Any, low: int, high: int) -> int:
    """Returns an integer argument as int.

    Args:
      name: the argument, for the message.
      value: an int or an integer of NumPy; bools and floats are not integers.
      low: the smallest allowed value.
      high: the largest allowed value.

    Raises:
      InputError: another type, or out of range.
    """
    if is_integer(value) and low <= value <= high:
        return int(value)
    raise InputError(f"{name} must be an integer from {low} to {high}, got {short(value)}")


def number(name: str, value: Any, low: float, high: float, strict: bool = False) -> float:
    """Returns a number argument as float.

    Args:
      name: the argument, for the message.
      value: an int or float, or a number of NumPy; bools are not numbers.
      low: the smallest allowed value, itself not allowed if `strict`.
      high: the largest allowed value.
      strict: whether the value must be above `low`.

    Raises:
      InputError: another type, NaN, or out of range.
    """
    plain = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if plain and low <= value <= high and not (strict and value == low):
        return float(value)
    bounds = f"above {low:g} and at most {high:g}" if strict else f"from {low:g} to {high:g}"
    raise InputError(f"{name} must be a number {bounds}, got {short(value)}")


def boolean(name: str, value: Any) -> bool:
    """Returns a bool argument.

    Raises:
      InputError: another type; 0 and 1 are not bools.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InputError(f"{name} must be true or false, got {short(value)}")


def image_size(value: Any, low: int, high: int, multiple: int = 1) -> tuple[int, int]:
    """Returns the argument `image_size` as (height, width).

    Args:
      value: a list, tuple, array or shape of two integers.
      low: the smallest allowed side in pixels.
      high: the largest allowed side in pixels.
      multiple: the sides must be multiples of it.

    Raises:
      InputError: another type or length, or a side out of range.
    """
    low = -(-low // multiple) * multiple
    if isinstance(value, np.ndarray):
        value = value.tolist()
    elif hasattr(value, "as_list"):  # a tf.TensorShape
        value = list(value)
    if isinstance(value, list | tuple) and len(value) == 2:
        sides = [int(side) for side in value if is_integer(side) and low <= side <= high]
        if len(sides) == 2 and not any(side % multiple for side in sides):
            return sides[0], sides[1]
    kind = f"multiples of {multiple}" if multiple > 1 else "integers"
    raise InputError(f"image_size must be [height, width], {kind} from {low} to {high}, got {short(value)}")


def is_integer(value: Any) -> bool:
    """Whether a value is an int or an integer of NumPy; bools are not."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def short(value: Any) -> str:
    """Returns the value for a message, shortened if it is long."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, float) and math.isfinite(value) and not value.is_integer():
        return f"{value:g}"
    return reprlib.repr(value)
