"""Fixtures of the tests of the commands."""

import pytest


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to work in, without a cached network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    return tmp_path
