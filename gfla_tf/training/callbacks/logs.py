"""The logs that Keras passes to callbacks."""

from collections.abc import Mapping
from typing import Any

from gfla_tf.errors import InputError

Logs = Mapping[str, Any]


def log_value(logs: Logs | None, name: str) -> float:
    """Returns the value of a log.

    Raises:
      InputError: there is no such log.
    """
    if name not in (logs or {}):
        known = ", ".join(logs or {}) or "none"
        raise InputError(f"there is no log {name!r}; the logs of this training are {known}")
    return float(logs[name])
