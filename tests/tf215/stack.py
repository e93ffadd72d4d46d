"""The packages that are part of the tf215 stack only."""

import pytest

REASON = "{} is not installed: it is part of the tf215 stack only (make test-tf215)"


def addons():
    """The module tensorflow_addons; skips the test module if it is not installed."""
    return pytest.importorskip("tensorflow_addons", reason=REASON.format("tensorflow-addons"))


def tensorflow_io():
    """The module tensorflow_io; skips the test module if it is not installed."""
    return pytest.importorskip("tensorflow_io", reason=REASON.format("tensorflow-io"))
