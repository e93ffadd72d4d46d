"""Tests of temporary files and folders: those of running processes remain, those of killed ones do not."""

import os
import resource

import keras
import pytest

from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path, write_files
from gfla_tf.files.temporary import (
    check_space,
    remove_temporary_files,
    second_name,
    temporary_file,
    temporary_folder,
)
from gfla_tf.weight_files.write import weights_file_size


def test_remove_temporary_files(tmp_path):
    names = [".0123456789abcdef.part", ".0123456789abcdef.part.weights.h5", "a.part", ".0123456789abcdef.png"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".0123456789abcdee.part" / "inside").mkdir(parents=True)
    (tmp_path / ".0123456789abcdea.part.npz").write_bytes(b"")
    os.symlink("nowhere", tmp_path / ".0123456789abcdeb.part")
    remove_temporary_files(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*names[2:], ".0123456789abcdeb.part"])


def test_files_in_use_remain(tmp_path):
    folder = os.fspath(tmp_path)
    (tmp_path / "a").write_bytes(b"1")
    with (
        temporary_file(folder, b"2") as file,
        temporary_folder(folder) as other,
        second_name(os.path.join(folder, "a")) as second,
        atomic_path(tmp_path / "b.npz") as path,
    ):
        path.write_bytes(b"3")
        before = sorted(os.listdir(tmp_path))
        assert {os.path.basename(name) for name in (file, other, second, path)} <= set(before)
        remove_temporary_files(tmp_path)
        assert sorted(os.listdir(tmp_path)) == before
    assert sorted(os.listdir(tmp_path)) == ["a", "b.npz"]


def test_writing_removes_what_a_killed_process_left(tmp_path):
    (tmp_path / ".0123456789abcdef.part").write_bytes(b"half")
    write_files({tmp_path / "a": b"1"})
    assert os.listdir(tmp_path) == ["a"]


def test_space_is_checked_before_hdf5_writes(tmp_path, monkeypatch):
    check_space(tmp_path, 1000)
    with pytest.raises(InputError, match="are needed: No space left on device"):
        check_space(tmp_path, 2**60)
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (1000, resource.RLIM_INFINITY))
    with pytest.raises(InputError, match=r"exceed the limit of this process \(ulimit -f\)"):
        check_space(tmp_path, 1001)
    network = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8), keras.layers.Dense(2)])
    network.save_weights(tmp_path / "a.weights.h5")
    size = (tmp_path / "a.weights.h5").stat().st_size
    assert size <= weights_file_size(network.get_weights()) < size + 2**17
