"""The type of the logs that Keras passes to callbacks."""

from collections.abc import Mapping
from typing import Any

Logs = Mapping[str, Any]
