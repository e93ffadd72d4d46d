"""`gfla --version`: every line, with intact and broken installations, without importing TensorFlow."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import gfla_tf
from gfla_tf.cli import version
from gfla_tf.cli.main import main
from gfla_tf.native import loader as native
from gfla_tf.native import record as native_record
from tests.cpu_time import BASELINE, cpu_seconds

PACKAGE = Path(gfla_tf.__file__).parent


def _lines(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    return capsys.readouterr().out.splitlines()


def test_every_line(capsys):
    *packages, operators = _lines(capsys)
    assert packages == [
        f"gfla_tf {gfla_tf.__version__}",
        f"Python {sys.version.split()[0]}",
        f"TensorFlow {tf.__version__}",
        f"Keras {keras.__version__}",
        f"NumPy {np.__version__}",
    ]
    reason = native.unavailable_reason()
    if reason is None:
        sets = ", ".join(native_record.read_record(native.library_path().parent).instruction_sets)
        assert operators.startswith(f"compiled operators available: {sets}")
    else:
        assert operators == f"compiled operators cannot run: {reason}"


def test_turned_off_and_refused_are_told_with_the_reason(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(native_record, "FOLDER", tmp_path)
    monkeypatch.setenv("GFLA_NATIVE", "1")
    tensorflow = tf.version.VERSION
    assert _lines(capsys)[-1] == (
        f"compiled operators cannot run: the library is not built for TensorFlow {tensorflow}; "
        "run gfla native build"
    )
    folder = native_record.library_folder(tensorflow)
    folder.mkdir()
    (folder / native_record.RECORD).write_text("{")
    assert _lines(capsys)[-1].startswith("compiled operators cannot run: the library's record ")
    monkeypatch.setenv("GFLA_NATIVE", "0")
    assert _lines(capsys)[-1] == "compiled operators cannot run: GFLA_NATIVE=0 disables them"


def test_a_library_that_is_there(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(native_record, "FOLDER", tmp_path)
    monkeypatch.setenv("GFLA_NATIVE", "1")
    folder = native_record.library_folder(tf.version.VERSION)
    folder.mkdir()
    (folder / native_record.LIBRARY).write_bytes(b"library")
    record = native_record.Record(
        tensorflow=tf.version.VERSION,
        compiler="GNU 12.2.0",
        instruction_sets=["baseline", "avx2"],
        cuda="12.5",
        cuda_architectures=["90-real"],
        sources=native_record.sources_digest(True),
        library=native_record.file_digest(folder / native_record.LIBRARY),
    )
    (folder / native_record.RECORD).write_bytes(native_record.record_bytes(record))
    assert _lines(capsys)[-1] == "compiled operators available: baseline, avx2, CUDA 12.5, by GNU 12.2.0"


@pytest.mark.parametrize(
    ("package", "reported"),
    [
        ("2.21.0", "2.21.0"),
        ("2.22.0rc1", "2.22.0-rc1"),
        ("2.15.0+nv23.11", "2.15.0"),
        ("2.22.0.dev20260101", "2.22.0-dev20260101"),
    ],
)
def test_the_package_names_versions_otherwise_than_tensorflow(monkeypatch, package, reported):
    monkeypatch.setattr(version, "_installed", lambda names: package)
    monkeypatch.setattr(native_record, "refusal", lambda tensorflow: f"this is {tensorflow}")
    monkeypatch.delenv("GFLA_NATIVE", raising=False)
    assert version.version_text().splitlines()[-1] == f"compiled operators cannot run: this is {reported}"


def test_another_build_of_tensorflow_is_found(monkeypatch):
    def installed(name):
        if name != "tensorflow-cpu":
            raise metadata.PackageNotFoundError(name)
        return "2.21.0"

    monkeypatch.setattr(version.metadata, "version", installed)
    lines = version.version_text().splitlines()
    assert lines[2:5] == ["TensorFlow 2.21.0", "Keras is not installed", "NumPy is not installed"]


VERSION = "from gfla_tf.cli.main import main\ntry: main(['--version'])\nexcept SystemExit: pass\n"


def _printed(*options):
    """The lines printed by a new process, which must not load TensorFlow, Keras or NumPy."""
    check = "import sys; assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, *options, "-c", VERSION + check],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    return done.stdout.splitlines()


def test_it_is_fast_and_does_not_load_tensorflow():
    assert _printed()[2] == f"TensorFlow {tf.__version__}"
    assert cpu_seconds(VERSION) < 4 * cpu_seconds(BASELINE)


def test_without_any_package():
    lines = _printed("-S")
    assert lines[2:] == [
        "TensorFlow is not installed",
        "Keras is not installed",
        "NumPy is not installed",
        "compiled operators cannot run: TensorFlow is not installed",
    ]
