"""Builds and reads sdists and wheels from a copy of the tracked files."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.pages import ROOT

NOT_IN_SDIST = {".gitignore"}


def tracked():
    """The sorted names of the files that git tracks; skips the test outside a git clone."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git clone")
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return sorted(name for name in names if (ROOT / name).is_file())


def require_build():
    """Skips the test if the packages that `python -m build --no-isolation` needs are not installed."""
    for name, minimum in (("build", 1), ("setuptools", 77)):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed: it is part of the extra [dev]")
        if int(version.split(".")[0]) < minimum:
            pytest.skip(f"{name} {version} is older than {minimum}")


def copy_checkout(folder):
    """Copies the tracked files, without ignored ones, into a folder; returns it."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def build(source, out, kind, **environment):
    """Runs `python -m build` with this environment's setuptools; returns the built file and the output.

    Args:
      source: the checkout or unpacked sdist.
      out: an empty output folder.
      kind: "sdist" or "wheel".
      **environment: additional environment variables.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "build", "--no-isolation", f"--{kind}", "-o", str(out), str(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout
    (built,) = out.iterdir()
    return built, done.stdout


def unpack(sdist, folder):
    """Unpacks an sdist into an empty folder; returns the top folder inside it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (inside,) = folder.iterdir()
    return inside


def contents(wheel):
    """The files of a wheel: {name: bytes}."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def files(folder):
    """The names of all files below a folder, relative to it."""
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}
