"""Making and reading sdists and wheels, from a copy of the repository's tracked files."""

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
    """The names of the files that git tracks, sorted; skips the test where this is not a clone."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git clone")
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return sorted(name for name in names if (ROOT / name).is_file())


def require_build():
    """Skips the test where `python -m build --no-isolation` cannot run; the extra [dev] has what it needs."""
    for name, least in (("build", 1), ("setuptools", 77)):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed: it is in the extra [dev]")
        if int(version.split(".")[0]) < least:
            pytest.skip(f"{name} {version} is older than {least}")


def copy_checkout(folder):
    """A clean checkout: the tracked files as they are now, without what is ignored."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def build(source, out, kind, **environment):
    """`python -m build --sdist|--wheel` with this environment's setuptools; (the file made, the output)."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "build", "--no-isolation", f"--{kind}", "-o", str(out), str(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout
    (made,) = out.iterdir()
    return made, done.stdout


def unpack(sdist, folder):
    """The folder that an sdist unpacks into."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (inside,) = folder.iterdir()
    return inside


def contents(wheel):
    """A wheel's files, {name: bytes}."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def files(folder):
    """The files of a folder, as names relative to it."""
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}
