"""The cache of compiled libraries."""

import dataclasses

import pytest

from gfla_tf.native import cache
from gfla_tf.native.record import LIBRARY, Record, file_digest

RECORD = Record(
    tensorflow="2.99.0",
    compiler="GNU 12.2.0",
    instruction_sets=["baseline"],
    cuda=None,
    cuda_architectures=[],
    sources="digest of the sources",
    library="",
)


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """The complete record of a library in the cache."""
    monkeypatch.setenv("GFLA_NATIVE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "built").write_bytes(b"library")
    record = dataclasses.replace(RECORD, library=file_digest(tmp_path / "built"))
    cache.store(record, b"library")
    return record


def test_a_stored_library_is_found(stored):
    assert cache.find(RECORD) == (stored, b"library")


@pytest.mark.parametrize(
    "change",
    [
        {"sources": "of other sources"},
        {"tensorflow": "2.98.0"},
        {"compiler": "GNU 13.1.0"},
        {"cuda": "12.5", "cuda_architectures": ["90-real"]},
    ],
)
def test_another_build_does_not_use_it(stored, change):
    assert cache.find(dataclasses.replace(RECORD, **change)) is None


def test_a_damaged_entry_is_ignored(stored, tmp_path):
    (entry,) = (tmp_path / "cache").iterdir()
    (entry / LIBRARY).write_bytes(b"another")
    assert cache.find(RECORD) is None
    (entry / LIBRARY).unlink()
    assert cache.find(RECORD) is None
    cache.store(stored, b"library")
    assert cache.find(RECORD) == (stored, b"library")


@pytest.mark.parametrize("value", [None, ""])
def test_there_is_no_cache_by_default(stored, monkeypatch, value):
    monkeypatch.delenv("GFLA_NATIVE_CACHE")
    if value is not None:
        monkeypatch.setenv("GFLA_NATIVE_CACHE", value)
    assert cache.find(RECORD) is None
    cache.store(stored, b"library")
