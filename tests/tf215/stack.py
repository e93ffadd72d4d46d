"""The packages that the tf215 stack alone has; tests of other stacks are skipped with the reason."""

import pytest

REASON = "{} is not installed: only the tf215 stack has it (make test-tf215)"


def addons():
    """tensorflow-addons, or the test module is skipped."""
    return pytest.importorskip("tensorflow_addons", reason=REASON.format("tensorflow-addons"))


def tensorflow_io():
    """tensorflow-io, or the test module is skipped."""
    return pytest.importorskip("tensorflow_io", reason=REASON.format("tensorflow-io"))
