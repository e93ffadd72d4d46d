"""Several outputs: all of them or none, whatever happens in between."""

import os

import pytest

from gfla_tf.errors import InputError
from gfla_tf.files import check_output, write_files


def test_all_are_written(tmp_path):
    (tmp_path / "old").write_bytes(b"before")
    write_files({tmp_path / "old": b"1", tmp_path / "new": b"2"}, force=True)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"old": b"1", "new": b"2"}


def test_none_is_written_if_one_fails(tmp_path, monkeypatch):
    (tmp_path / "old").write_bytes(b"before")
    with pytest.raises(InputError, match="there is no folder"):
        write_files({tmp_path / "new": b"1", tmp_path / "no" / "where": b"2"})
    replace, calls = os.replace, []

    def fail_late(source, target):
        calls.append(target)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_late)
    paths = {tmp_path / "first": b"1", tmp_path / "old": b"2", tmp_path / "last": b"3"}
    with pytest.raises(InputError, match="No space left"):
        write_files(paths, force=True)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"old": b"before"}


def test_check_leaves_nothing(tmp_path):
    check_output(tmp_path / "a")
    assert not list(tmp_path.iterdir())
    os.symlink(tmp_path / "nowhere", tmp_path / "link")
    with pytest.raises(InputError, match="not a regular file"):
        check_output(tmp_path / "link", force=True)
    with pytest.raises(InputError, match="cannot be written"):
        check_output(tmp_path / ("a" * 300 + "/b"))
