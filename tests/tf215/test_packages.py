"""The pinned packages of the tf215 stack, and which of its two OpenCV packages is imported."""

import base64
import hashlib
import tomllib
from importlib import metadata

import cv2
import numpy as np
import pytest
import tensorflow as tf
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.pages import ROOT, table
from tests.tf215 import stack

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def pins(name):
    """{package: version} of a constraints file."""
    lines = (line.split("==") for line in (ROOT / name).read_text().splitlines())
    return {canonicalize_name(package): version for package, version in lines}


PINS = pins("constraints-tf215.txt")


@pytest.mark.parametrize("extra", ["tf215", "dev"])
def test_the_constraints_satisfy_the_extra(extra):
    for line in EXTRAS[extra]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)]), line


def test_both_packages_of_opencv_have_the_same_version():
    assert PINS["opencv-python"] == PINS["opencv-python-headless"]


def test_the_page_of_the_stacks_lists_the_pins():
    rows = {row[0]: row[1:3] for row in table(ROOT / "docs" / "stacks.md", "## Packages")[1:]}
    assert set(rows) == {canonicalize_name(Requirement(line).name) for line in EXTRAS["tf215"]}
    default = pins("constraints.txt")
    for name, versions in rows.items():
        assert versions == [default.get(name, "–"), PINS[name]]


def test_the_pinned_packages_are_installed():
    stack.addons()
    for line in EXTRAS["tf215"]:
        name = canonicalize_name(Requirement(line).name)
        assert metadata.version(name) == PINS[name]
    assert PINS["tensorflow"] == tf.version.VERSION
    assert int(np.__version__.split(".")[0]) == 1


def test_opencv_python_is_imported():
    """Both packages contain cv2; the imported file must belong to opencv-python."""
    stack.addons()
    files = {file.name: file for file in metadata.files("opencv-python") if file.match("cv2/cv2*.so")}
    (library,) = files.values()
    digest = hashlib.sha256(library.locate().read_bytes()).digest()
    assert library.hash.value == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    gui = next(line for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:"))
    assert gui.split()[-1] != "NONE"
