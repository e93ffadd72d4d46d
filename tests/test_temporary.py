"""Tests of temporary files and folders: those of running processes remain, those of killed ones do not."""

import os

from gfla_tf.files import atomic_path, write_files
from gfla_tf.temporary import remove_temporary_files, second_name, temporary_file, temporary_folder


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
