"""Versions of the code that trains, for the logs of a run."""

import contextlib
import platform
import subprocess
from pathlib import Path

import keras
import tensorflow as tf

import gfla_tf
from gfla_tf._version import __version__

_SECONDS = 10


def code_version() -> str:
    """Returns one line with the versions of gfla_tf, TensorFlow, Keras and Python.

    In a git checkout, the commit is added, with "-dirty" if tracked files have changed since.
    """
    commit = _commit(Path(gfla_tf.__file__).parent.parent)
    versions = [
        f"gfla_tf {__version__}{commit}",
        f"TensorFlow {tf.version.VERSION}",
        f"Keras {keras.__version__}",
        f"Python {platform.python_version()}",
    ]
    return ", ".join(versions)


def _commit(folder: Path) -> str:
    if not (folder / ".git").exists():
        return ""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        return f" (commit {found.stdout.strip()})"
    return ""
