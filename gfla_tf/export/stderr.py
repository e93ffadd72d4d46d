"""Converters without what they print on standard error, some of it past Python."""

from __future__ import annotations

import contextlib
import os
import sys


@contextlib.contextmanager
def suppress_stderr():
    """For `with suppress_stderr():` around what prints on standard error; errors are raised as ever."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
