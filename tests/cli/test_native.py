"""`gfla native`: the status, and builds that succeed and fail, in a copy of the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import gfla_tf
from gfla_tf.cli.main import main
from gfla_tf.errors import InputError
from gfla_tf.native import build as native_build
from gfla_tf.native import loader as native
from gfla_tf.native import record as native_record
from gfla_tf.native.record import LIBRARY, RECORD

PACKAGE = Path(gfla_tf.__file__).parent

needs_tools = pytest.mark.skipif(
    not (shutil.which("c++") and native_build._tool("cmake")), reason="no C++ compiler or no CMake"
)


@pytest.fixture
def copy(tmp_path):
    """A copy of the installed package with its sources, without a library."""
    package = tmp_path / "copy" / "gfla_tf"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("lib", "__pycache__", "savedmodels"))
    if not (package / "custom_ops").exists():
        shutil.copytree(native_record.sources_folder(), package / "custom_ops")
    return package


def _lib(copy):
    return copy / "native" / "lib" / f"tensorflow-{tf.version.VERSION}"


def _gfla(copy, *words, **environment):
    """Runs the copy's `gfla native …`."""
    paths = [str(copy.parent), *(path for path in sys.path if path != str(PACKAGE.parent))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)} | environment
    return subprocess.run(
        [sys.executable, "-m", "gfla_tf", "native", *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=copy.parent,
    )


def test_status_lists_each_operator_also_as_json(capsys):
    assert main(["native", "status"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert main(["native", "status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["tensorflow"] == tf.version.VERSION
    assert status["available"] == (status["reason"] is None)
    for operator in native.OPERATORS:
        used = status["operators"][operator]
        assert used["implementation"] == ("tf" if used["reason"] else "native")
        assert lines[operator] == used["implementation"] + (f": {used['reason']}" if used["reason"] else "")
    assert lines["library"] == status["library"]
    if status["available"]:
        assert status["instruction_set"] in status["build"]["instruction_sets"]
        assert f"instruction set {status['instruction_set']}" in lines["running"]
        assert lines["built"].startswith(f"for TensorFlow {tf.version.VERSION}, by ")


def test_an_up_to_date_library_is_not_built_again(capsys, monkeypatch):
    monkeypatch.setattr(native_record, "refusal", lambda *arguments: None)
    monkeypatch.setattr(native_build, "_run", lambda *arguments: pytest.fail("it was built"))
    assert main(["native", "build"]) == 0
    assert "is up to date for TensorFlow" in capsys.readouterr().out


def test_wrong_usage(capsys):
    for words in (["native"], ["native", "install"], ["native", "build", "--cuda", "maybe"]):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert stopped.value.code == 2
    with pytest.raises(ValueError, match=r"cuda must be .* got 'maybe'"):
        native_build.build(cuda="maybe")


def _programs(folder, *names):
    """A folder with links to some programs only."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


def test_missing_tools_raise(tmp_path, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(native_build.sysconfig, "get_path", lambda name: str(tmp_path / "none"))
    monkeypatch.setenv("PATH", _programs(tmp_path / "bare"))
    with pytest.raises(InputError, match=r"requires CMake.*pip install gfla-tf\[native\]"):
        native_build.build(tmp_path / "lib")
    monkeypatch.setattr(native_build, "_tool", lambda name: "/usr/bin/true")
    with pytest.raises(InputError, match="requires a C\\+\\+17 compiler"):
        native_build.build(tmp_path / "lib")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match="'no-such-compiler' of the environment variable CXX was not found"):
        native_build.build(tmp_path / "lib")


def test_a_folder_that_is_not_writable_raises(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"file/lib/tensorflow-.*', is not writable .*build as a user who can write to it"
    ):
        native_build.build(tmp_path / "file" / "lib")


@needs_tools
def test_compiler_errors_are_shown_and_keep_the_library(copy):
    source = copy / "custom_ops" / "kernels" / "instruction_set.cc"
    source.write_text("#error a broken kernel\n" + source.read_text())
    lib = _lib(copy)
    lib.mkdir(parents=True)
    (lib / LIBRARY).write_bytes(b"before")
    done = _gfla(copy, "build", "--cuda", "off")
    assert done.returncode == 2
    assert "#error a broken kernel" in done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("gfla: error: the compiled operators could not be built: cmake exited with code")
    assert [path.name for path in lib.iterdir()] == [LIBRARY]
    assert (lib / LIBRARY).read_bytes() == b"before"


@needs_tools
def test_cmake_errors_are_shown(copy):
    description = copy / "custom_ops" / "CMakeLists.txt"
    description.write_text(description.read_text() + 'message(FATAL_ERROR "no such thing")\n')
    done = _gfla(copy, "build")
    assert (done.returncode, "no such thing" in done.stdout) == (2, True)
    assert list(_lib(copy).iterdir()) == []


@needs_tools
@pytest.mark.slow  # up to a minute: it compiles the whole library, once
def test_build_in_an_installed_copy(copy, tmp_path):
    before = json.loads(_gfla(copy, "status", "--json").stdout)
    assert (before["available"], before["build"]) == (False, None)
    cached = {"GFLA_NATIVE_CACHE": str(tmp_path / "cache")}  # empty: the library is compiled
    done = _gfla(copy, "build", "--cuda", "off", **cached)
    assert done.returncode == 0, done.stdout
    lib = _lib(copy)
    assert sorted(path.name for path in lib.iterdir()) == [RECORD, LIBRARY]
    assert "Linking" in done.stdout
    assert done.stdout.splitlines()[-1] == f"built {lib / LIBRARY}"
    record = native_record.read_record(lib)
    assert (record.tensorflow, record.cuda) == (tf.version.VERSION, None)
    after = json.loads(_gfla(copy, "status", "--json").stdout)
    assert after["available"]
    assert {used["implementation"] for used in after["operators"].values()} == {"native"}
    lesser = json.loads(_gfla(copy, "status", "--json", GFLA_INSTRUCTION_SET="baseline").stdout)
    assert lesser["instruction_set"] == "baseline"
    assert "is up to date" in _gfla(copy, "build", "--cuda", "off").stdout
    library = (lib / LIBRARY).read_bytes()
    shutil.rmtree(lib)
    done = _gfla(copy, "build", "--cuda", "off", **cached)
    assert "Linking" not in done.stdout
    assert done.stdout.splitlines()[-1] == f"copied from the cache {lib / LIBRARY}"
    assert (lib / LIBRARY).read_bytes() == library
    assert native_record.read_record(lib) == record
    source = copy / "custom_ops" / "kernels" / "instruction_set.cc"
    source.write_text(source.read_text() + "\n")
    assert "built from other sources than those installed" in _gfla(copy, "status").stdout
