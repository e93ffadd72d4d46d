"""Constraints of the values of settings."""

import math
import re
from collections.abc import Callable
from typing import Any

Constraint = Callable[[Any], str | None]
"""Returns the problem of a value, or None."""


def at_least(low: float, strict: bool = False) -> Constraint:
    """Constraint: a finite number of at least `low`, or above it if `strict`."""

    def check(value: float) -> str | None:
        if low < value < math.inf or (value == low and not strict):
            return None
        bound = f"must be {'above' if strict else 'at least'} {low}"
        return bound if -math.inf < value < math.inf else "must be a finite number"

    return check


def at_most(high: float) -> Constraint:
    """Constraint: a number of at most `high`."""

    def check(value: float) -> str | None:
        return None if value <= high else f"must be at most {high}"

    return check


def below(high: float) -> Constraint:
    """Constraint: a number below `high`."""

    def check(value: float) -> str | None:
        return None if value < high else f"must be below {high}"

    return check


def one_of(*choices: str) -> Constraint:
    """Constraint: one of `choices`."""

    def check(value: str) -> str | None:
        return None if value in choices else f"must be one of {', '.join(map(repr, choices))}"

    return check


def parse_interval(text: str) -> tuple[int, str]:
    """Returns (count, "steps" or "minutes") of an interval such as "500 steps" or "10 minutes".

    Raises:
      ValueError: the text is not of this form, or the count is not 1 to 10^9.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,9}) (step|minute)s?", text)
    if found is None or int(found[1]) > 10**9:
        raise ValueError(f"must be a positive whole number of steps or minutes, as '500 steps', got {text!r}")
    return int(found[1]), f"{found[2]}s"


def interval(value: str) -> str | None:
    """Constraint: an interval of `parse_interval`."""
    try:
        parse_interval(value)
    except ValueError as error:
        return str(error).rpartition(", got ")[0]
    return None
