"""Tests of the lock of a folder."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from gfla_tf.errors import InputError
from gfla_tf.files import locks
from gfla_tf.files.locks import FolderLock


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    code = (
        "import sys; from gfla_tf.files.locks import FolderLock; "
        "lock = FolderLock(sys.argv[1], 'a.lock'); print(flush=True)"
    )
    command = [sys.executable, "-c", f"{code}; sys.stdin.read()", tmp_path]
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_the_lock_of_a_running_process_is_respected_and_that_of_a_killed_one_is_not(tmp_path, other):
    with pytest.raises(InputError, match=f"in use by process {other.pid} on .*: wait for it to end, or stop"):
        FolderLock(tmp_path, "a.lock")
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert os.listdir(tmp_path) == ["a.lock"]
    with FolderLock(tmp_path, "a.lock"):
        assert (tmp_path / "a.lock").read_text() == f"{os.getpid()} {socket.gethostname()}\n"
        with pytest.raises(InputError, match=f"process {os.getpid()}"):
            FolderLock(tmp_path, "a.lock")
    assert not os.listdir(tmp_path)


def test_file_systems_without_locks(tmp_path, monkeypatch, other):
    monkeypatch.setattr(locks, "try_lock", lambda handle: None)
    path = re.escape(str(tmp_path / "a.lock"))
    with pytest.raises(
        InputError, match=f"in use by process {other.pid} .*, or delete {path} if it has ended"
    ):
        FolderLock(tmp_path, "a.lock")
    other.kill()
    other.wait()
    FolderLock(tmp_path, "a.lock").release()
    (tmp_path / "a.lock").write_text("1 elsewhere\n")
    with pytest.raises(InputError, match="process 1 on elsewhere"):
        FolderLock(tmp_path, "a.lock")
