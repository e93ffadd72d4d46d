"""Errors of the system, of memory and of TensorFlow, and signals: one sentence and an exit code."""

import errno
import os
import signal
import subprocess
import sys
import time

import cv2
import pytest
import tensorflow as tf

from gfla_tf.cli import main as cli
from gfla_tf.cli.main import main

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.png")


def _replaced(first, error):
    """`error`, raised while `first` was handled, as libraries do."""
    error.__context__ = first
    return error


def _opencv_error(code):
    error = cv2.error("OpenCV: Failed to allocate 1 bytes")
    error.code = code
    return error


def _fails(monkeypatch, error):
    def run(args):
        raise error

    module = type("command", (), {"HELP": "", "add_arguments": lambda parser: None, "run": run})
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: module)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FULL, "No space left on device: 'a.png'"),
        (OSError(errno.EROFS, "Read-only file system", b"\xff"), r"Read-only file system: '\udcff'"),
        (OSError(errno.EACCES, "Permission denied", "a", None, "b"), "Permission denied: 'a': 'b'"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "Broken pipe"),  # of a worker: our output is open
        (MemoryError(), "not enough memory: use smaller images, a smaller batch or fewer workers"),
        (MemoryError("Unable to allocate 1 TiB"), "not enough memory (Unable to allocate 1 TiB): use"),
        (_opencv_error(cv2.Error.StsNoMem), "not enough memory in OpenCV: use smaller images"),
        (RuntimeError("can't start new thread"), "the system allows no further threads: use"),
        (
            UnicodeEncodeError("ascii", "\xe9", 0, 1, "ordinal not in range(128)"),
            "cannot be encoded or decoded",
        ),
        (tf.errors.ResourceExhaustedError(None, None, "OOM in Conv2D\nhint"), "memory: use smaller images"),
        (tf.errors.ResourceExhaustedError(None, None, "a; No space left on device"), "a; No space left"),
        (
            tf.errors.ResourceExhaustedError(
                None, None, "{{node a}} out/.0123456789abcdef.part/b; No space left on device [Op:SaveV2]"
            ),
            "gfla: error: out; No space left on device\n",
        ),
        (tf.errors.PermissionDeniedError(None, None, "a; Read-only file system"), "a; Read-only file"),
        (tf.errors.OutOfRangeError(None, None, "a; File too large"), "a; File too large"),
        (_replaced(FULL, RuntimeError("Can't close")), "No space left on device: 'a.png'"),
        (_replaced(MemoryError(), ValueError("wrong")), "not enough memory: use"),
    ],
)
def test_errors_of_the_system_become_one_sentence(monkeypatch, capsys, error, sentence):
    _fails(monkeypatch, error)
    assert main(["train"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("gfla: error: ")
    assert sentence in err


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a fault"),
        _opencv_error(cv2.Error.StsBadArg),
        tf.errors.InvalidArgumentError(None, None, "a fault"),
        _replaced(FileNotFoundError(errno.ENOENT, "No such file", "a"), ValueError("a fault")),
    ],
)
def test_faults_of_the_program_are_not_hidden(monkeypatch, error):
    _fails(monkeypatch, error)
    with pytest.raises(type(error)):
        main(["train"])


def test_a_deleted_working_folder(monkeypatch, capsys, tmp_path):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    (tmp_path / "a").rmdir()
    _fails(monkeypatch, FileNotFoundError(errno.ENOENT, "No such file or directory"))
    assert main(["train"]) == 2
    assert capsys.readouterr().err == (
        "gfla: error: the current folder has been deleted: change to an existing one\n"
    )


WORKING = """
import sys, time, types
from gfla_tf.cli import main as cli
from gfla_tf.files import new_folder

def run(args):
    with new_folder(sys.argv[1]):
        print("working", flush=True)
        time.sleep(60)

cli.COMMANDS = ()
cli._parse = lambda *_: types.SimpleNamespace(run=run)
cli.entry_point()
"""


def _default_signals():
    """Undoes that the tests may run in the background or under nohup, which ignores signals."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_signals_clean_up_like_an_interruption(tmp_path, number, code):
    command = [sys.executable, "-c", WORKING, tmp_path / "a" / "b"]
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, preexec_fn=_default_signals, **pipes) as process:
        assert process.stdout.readline() == b"working\n"
        assert len(list((tmp_path / "a").iterdir())) == 1
        for _ in range(2):  # as from a shell and a terminal that are closed
            process.send_signal(getattr(signal, f"SIG{number}"))
            if number == "INT":
                break
        assert (process.stderr.read(), process.wait()) == (b"gfla: interrupted\n", code)
    assert not list(tmp_path.iterdir())


def test_the_handlers_of_the_caller_are_restored(monkeypatch, capsys):
    seen = []

    def run(args):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    _fails(monkeypatch, None)
    monkeypatch.setattr(cli.importlib.import_module("any"), "run", run)
    assert main(["train"]) == 143
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)  # as under nohup
    monkeypatch.setattr(signal, "signal", lambda *arguments: seen.append(arguments))
    monkeypatch.setattr(cli.importlib.import_module("any"), "run", lambda args: None)
    assert main(["train"]) == 0
    assert not seen
