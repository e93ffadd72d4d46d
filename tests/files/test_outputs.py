"""Tests of atomic output files and folders."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gfla_tf
from gfla_tf.errors import InputError
from gfla_tf.files import (
    atomic_path,
    check_name,
    check_output,
    move_folder,
    new_folder,
    output_folder,
    outputs,
    replace_file,
    write_files,
)
from gfla_tf.files.temporary import remove_temporary_files

PACKAGE = Path(gfla_tf.__file__).parent


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _fail_replace(monkeypatch, call):
    """Makes the given call of `os.replace` (1: the first) fail."""
    replace, calls = os.replace, []

    def replacement(source, target):
        calls.append(target)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replacement)


def test_write_files(tmp_path):
    (tmp_path / "old").write_bytes(b"before")
    write_files({tmp_path / "old": b"1", tmp_path / "new": b"2"}, force=True)
    assert _contents(tmp_path) == {"old": b"1", "new": b"2"}


@pytest.mark.parametrize("call", [1, 2, 3])
def test_write_files_is_atomic(tmp_path, monkeypatch, call):
    (tmp_path / "old").write_bytes(b"before")
    with pytest.raises(InputError, match="there is no folder"):
        write_files({tmp_path / "new": b"1", tmp_path / "no" / "where": b"2"})
    _fail_replace(monkeypatch, call)
    paths = {tmp_path / "first": b"1", tmp_path / "old": b"2", tmp_path / "last": b"3"}
    with pytest.raises(InputError, match="No space left"):
        write_files(paths, force=True)
    assert _contents(tmp_path) == {"old": b"before"}


def test_write_files_without_hard_links(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    (tmp_path / "old").write_bytes(b"before")
    _fail_replace(monkeypatch, 3)
    paths = {tmp_path / "first": b"1", tmp_path / "old": b"2", tmp_path / "last": b"3"}
    with pytest.raises(InputError, match="No space left"):
        write_files(paths, force=True)
    assert _contents(tmp_path) == {"old": b"before"}
    write_files(paths, force=True)
    assert _contents(tmp_path) == {"first": b"1", "old": b"2", "last": b"3"}


def test_check_output_leaves_no_file(tmp_path):
    check_output(tmp_path / "a")
    assert not list(tmp_path.iterdir())
    os.symlink(tmp_path / "nowhere", tmp_path / "link")
    with pytest.raises(InputError, match="not a regular file"):
        check_output(tmp_path / "link", force=True)
    with pytest.raises(InputError, match="cannot be written"):
        check_output(tmp_path / ("a" * 300 + "/b"))


def test_an_open_file_such_as_dev_stdout_is_not_replaced(tmp_path):
    with open(tmp_path / "redirected", "w") as file:
        os.symlink(f"/proc/self/fd/{file.fileno()}", tmp_path / "stdout")
        with pytest.raises(InputError, match="stdout' exists and is not a regular file"):
            write_files({tmp_path / "stdout": b"x"}, force=True)
    assert (tmp_path / "stdout").is_symlink()


def test_replace_file(tmp_path, monkeypatch):
    for data in (b"1", b"2"):
        replace_file(tmp_path / "a.json", data)
        assert _contents(tmp_path) == {"a.json": data}
    _fail_replace(monkeypatch, 1)
    with pytest.raises(InputError, match=r"a\.json' cannot be written: No space left"):
        replace_file(tmp_path / "a.json", b"3")
    assert _contents(tmp_path) == {"a.json": b"2"}


def test_atomic_path(tmp_path):
    for data in (b"1", b"2"):
        with atomic_path(tmp_path / "a.weights.h5") as path:
            assert path.parent == tmp_path
            assert path.name.endswith(".weights.h5")
            path.write_bytes(data)
        assert _contents(tmp_path) == {"a.weights.h5": data}


def test_atomic_path_keeps_the_old_file_on_errors(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(InputError, match="exists already"), atomic_path(tmp_path / "a", force=False):
        pytest.fail("the block ran")
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a") as path:
        path.write_bytes(b"half" * (1 // 0))
    with pytest.raises(InputError, match="there is no folder"), atomic_path(tmp_path / "no" / "a") as path:
        path.write_bytes(b"")
    _fail_replace(monkeypatch, 1)
    with pytest.raises(InputError, match="No space left"), atomic_path(tmp_path / "a") as path:
        path.write_bytes(b"new")
    assert _contents(tmp_path) == {"a": b"before"}


def test_atomic_path_checks_again_before_it_renames(tmp_path):
    with pytest.raises(InputError, match="exists already"), atomic_path(tmp_path / "a", force=False):
        (tmp_path / "a").write_bytes(b"another program")
    assert _contents(tmp_path) == {"a": b"another program"}


def test_new_folder(tmp_path):
    for name in ("1", "2"):
        with new_folder(tmp_path / "models" / "a") as folder:
            (folder / name).write_bytes(b"")
        assert list(_contents(tmp_path / "models" / "a")) == [name]
        assert os.listdir(tmp_path / "models") == ["a"]


def test_new_folder_leaves_nothing_on_errors(tmp_path, monkeypatch):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "b" / "c") as folder:
        (folder / "x").write_bytes(b"half" * (1 // 0))
    assert not list(tmp_path.iterdir())
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"before")
    for call in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr(outputs, "exchange_names", lambda first, second: False)
            _fail_replace(patch, call)
            with pytest.raises(InputError, match="No space left"), new_folder(tmp_path / "a") as folder:
                (folder / "x").write_bytes(b"new")
        assert os.listdir(tmp_path) == ["a"]
        assert _contents(tmp_path / "a") == {"x": b"before"}
    with (
        pytest.raises(InputError, match="there is no folder"),
        new_folder(tmp_path / "a/x/y"),
    ):
        pytest.fail("the block ran")


@pytest.mark.parametrize("exchange", [True, False])
def test_move_folder(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(outputs, "exchange_names", lambda first, second: False)
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(b"")
    move_folder(tmp_path / "source", tmp_path / "target")
    assert os.listdir(tmp_path) == ["target"]
    assert os.listdir(tmp_path / "target") == ["source"]


def test_output_folder_is_removed_if_empty(tmp_path):
    with output_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not list(tmp_path.iterdir())
    with output_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "x").write_bytes(b"")
    assert _contents(tmp_path / "a") == {"x": b""}
    with pytest.raises(InputError, match="cannot be created"), output_folder(tmp_path / "a" / "x" / "y"):
        pytest.fail("the block ran")


KILLED = """
import os, signal, sys
from gfla_tf.files import atomic_path, new_folder, write_files
target, kind, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
events = 0

def hook(event, arguments):
    global events
    if event in ("os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "ctypes.dlsym"):
        events += 1
        if events > last:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
if kind == "files":
    write_files({target: b"new", target + "2": b"new"}, force=True)
elif kind == "path":
    with atomic_path(target) as path:
        path.write_bytes(b"new")
else:
    with new_folder(target) as path:
        (path / "x").write_bytes(b"new")
"""


@pytest.mark.parametrize("kind", ["files", "path", "folder"])
def test_a_killed_process_leaves_the_old_or_the_new_output(tmp_path, kind):
    """Kills the process before every change of the folder in turn; the next one removes what remained."""
    target = tmp_path / "out" / "a"
    content = target / "x" if kind == "folder" else target
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
    found = set()
    for last in range(30):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        content.parent.mkdir(parents=True)
        content.write_bytes(b"old")
        command = [sys.executable, "-c", KILLED, target, kind, str(last)]
        code = subprocess.run(command, env=environment, check=False).returncode
        found.add(content.read_bytes())
        assert content.read_bytes() in (b"old", b"new")
        remove_temporary_files(tmp_path / "out")
        assert set(os.listdir(tmp_path / "out")) <= {"a", "a2"}
        if code == 0:
            break
    assert (code, found) == (0, {b"old", b"new"})


@pytest.mark.parametrize("mask", [0o002, 0o077])
def test_the_umask_is_respected(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_files({tmp_path / "a": b"1", tmp_path / "b": b"2"})
        with atomic_path(tmp_path / "c.npz") as path:
            path.write_bytes(b"3")
        with new_folder(tmp_path / "d" / "e") as folder:
            (folder / "f").mkdir(0o700)  # as TensorFlow does with 0o755
    finally:
        os.umask(before)
    for name in ("a", "b", "c.npz"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~mask
    for name in ("d", "d/e", "d/e/f"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o777 & ~mask


@pytest.mark.parametrize(
    "name", ["a" * 256, "no/" + "a" * 256, "a/" * 2100 + "a", "a\0b", "", "\u00e9" * 128 + ".png"]
)
def test_impossible_names_are_refused_before_the_work(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for check in (check_name, check_output):
        with pytest.raises(InputError, match=r"too long|null (byte|character)|is empty"):
            check(name)
    for context in (atomic_path, new_folder, output_folder):
        with pytest.raises(InputError), context(name):
            pytest.fail("the block ran")
    assert not os.listdir(tmp_path)
    check_output("\u00e9" * 125 + ".weights.h5"[:5])


def test_a_deleted_working_folder(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    (tmp_path / "a").rmdir()
    with pytest.raises(InputError, match="the current folder has been deleted"):
        check_output("a.png")


def test_long_suffixes_leave_room_for_a_temporary_name(tmp_path):
    with atomic_path(tmp_path / ("a." + "b" * 240 + ".npz")) as path:
        path.write_bytes(b"1")
        assert path.name.endswith(".npz")
    with atomic_path(tmp_path / ("a." + "b" * 240)) as path:
        path.write_bytes(b"1")


def test_no_other_module_renames_files():
    """Neither `os.replace`, `os.rename` nor `Path.rename`, and no temporary folders beside an output."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="os"), attr="replace" | "rename" | "renames"):
                    found.add(path.relative_to(PACKAGE).as_posix())
                case ast.Call(func=ast.Attribute(attr="rename" | "mkdtemp")):
                    found.add(path.relative_to(PACKAGE).as_posix())
                case ast.Call(func=ast.Attribute(attr="TemporaryDirectory"), keywords=keywords):
                    if any(keyword.arg == "dir" for keyword in keywords):
                        found.add(path.relative_to(PACKAGE).as_posix())
    assert found == {"files/outputs.py"}
