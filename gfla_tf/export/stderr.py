"""Suppression of messages on standard error, including those written by native code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def suppress_stderr() -> Iterator[None]:
    """Context manager that discards everything written to standard error; exceptions propagate as usual."""
    sys.stderr.flush()
    original = os.dup(2)
    try:
        with open(os.devnull, "w") as null:
            os.dup2(null.fileno(), 2)
            yield
    finally:
        sys.stderr.flush()
        os.dup2(original, 2)
        os.close(original)
