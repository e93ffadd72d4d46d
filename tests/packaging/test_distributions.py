"""The contents and metadata of the sdist and the wheel, and the wheel in an environment of its own."""

import email
import os
import re
import subprocess
import sys
import tomllib
from pathlib import PurePosixPath

import pytest

from gfla_tf import __version__
from gfla_tf.native import record as native_record
from tests.packaging import distributions
from tests.pages import ROOT

pytestmark = pytest.mark.slow  # the smoke test takes up to 40 s: each of its ten commands loads TensorFlow

SMOKE = ROOT / "tests" / "packaging" / "smoke.py"
INFO = f"gfla_tf-{__version__}.dist-info"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    distributions.require_build()
    return distributions.copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def sdist(checkout, tmp_path_factory):
    """(the path of the sdist, the folder that it unpacks into)."""
    built, _ = distributions.build(checkout, tmp_path_factory.mktemp("sdist"), "sdist")
    return built, distributions.unpack(built, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="module")
def wheel(checkout, sdist, tmp_path_factory):
    """The wheel, built without operators from a checkout that still contains an earlier build."""
    stale = checkout / "build" / "lib" / "gfla_tf" / "ops" / "since_renamed.py"
    stale.parent.mkdir(parents=True)
    stale.touch()
    built, output = distributions.build(checkout, tmp_path_factory.mktemp("wheel"), "wheel", GFLA_NATIVE="0")
    assert output.count("gfla_tf: continuing without compiled operators: GFLA_NATIVE=0\n") == 1
    return built


@pytest.fixture(scope="module")
def metadata(wheel):
    return email.message_from_bytes(distributions.contents(wheel)[f"{INFO}/METADATA"])


def test_the_sdist_contains_the_repository(sdist):
    path, folder = sdist
    assert path.name == f"gfla_tf-{__version__}.tar.gz"
    names = distributions.files(folder)
    expected = set(distributions.tracked()) - distributions.NOT_IN_SDIST
    generated = {name for name in names - expected if not name.startswith("gfla_tf.egg-info/")}
    assert (expected - names, generated) == (set(), {"PKG-INFO", "setup.cfg"})
    assert all((folder / name).read_bytes() == (ROOT / name).read_bytes() for name in expected)


def test_the_sdist_and_the_checkout_give_the_same_wheel(sdist, wheel, tmp_path):
    again, _ = distributions.build(sdist[1], tmp_path, "wheel", GFLA_NATIVE="0")
    assert again.name == wheel.name
    assert distributions.contents(again) == distributions.contents(wheel)


def _name_in_wheel(name):
    """The name of a tracked file in the wheel, or None if the wheel does not contain it."""
    path = PurePosixPath(name)
    inside = f"gfla_tf/{name}"
    match path.parts:
        case ("gfla_tf", *_):
            return name
        case ("configs", _):
            return inside
        case ("savedmodels", *_, "README.md") | (
            "savedmodels",
            _,
            "model.keras" | "config.yaml" | "metrics.json",
        ):
            return inside
        case ("custom_ops", "CMakeLists.txt") | ("custom_ops", "cmake" | "kernels" | "ops", _):
            return inside
    return None


def test_the_wheel_contains_the_package_and_its_data(wheel):
    files = distributions.contents(wheel)
    expected = {inside: name for name in distributions.tracked() if (inside := _name_in_wheel(name))}
    info = {
        f"{INFO}/{name}"
        for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "top_level.txt", "licenses/LICENSE")
    }
    assert set(files) == set(expected) | info
    assert all(files[inside] == (ROOT / name).read_bytes() for inside, name in expected.items())
    assert files[f"{INFO}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert files[f"{INFO}/top_level.txt"] == b"gfla_tf\n"


@pytest.mark.parametrize("cuda", [False, True])
def test_the_wheel_contains_the_sources_of_the_operators(wheel, tmp_path, monkeypatch, cuda):
    for name, data in distributions.contents(wheel).items():
        if name.startswith("gfla_tf/custom_ops/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
    expected = native_record.sources_digest(cuda)
    monkeypatch.setattr(native_record, "sources_folder", lambda: tmp_path / "gfla_tf" / "custom_ops")
    assert native_record.sources_digest(cuda) == expected


def _tags(wheel):
    fields = email.message_from_bytes(distributions.contents(wheel)[f"{INFO}/WHEEL"])
    return fields["Root-Is-Purelib"], fields.get_all("Tag")


def test_a_wheel_without_operators_supports_any_platform(wheel):
    assert wheel.name == f"gfla_tf-{__version__}-py3-none-any.whl"
    assert _tags(wheel) == ("true", ["py3-none-any"])


COMPILED = """
def build(folder):
    import pathlib
    pathlib.Path(folder).mkdir()
    for name in ("libgfla_ops.so", "build.json"):
        pathlib.Path(folder, name).write_text(name)
"""


def test_a_wheel_with_operators_supports_this_platform_and_any_python(tmp_path):
    """A stub replaces the compiler; `make package-check` builds such a wheel with a real one."""
    distributions.require_build()
    checkout = distributions.copy_checkout(tmp_path / "checkout")
    (checkout / "gfla_tf" / "native" / "build.py").write_text(COMPILED)
    built, _ = distributions.build(checkout, tmp_path / "out", "wheel", GFLA_NATIVE="1", CXX=sys.executable)
    files = distributions.contents(built)
    assert {files[f"gfla_tf/native/lib/{name}"] for name in ("libgfla_ops.so", "build.json")} == {
        b"libgfla_ops.so",
        b"build.json",
    }
    purelib, tags = _tags(built)
    assert purelib == "false"
    assert all(re.fullmatch(r"py3-none-(linux|macosx)_\w+", tag) for tag in tags)
    assert built.name == f"gfla_tf-{__version__}-{tags[0]}.whl"


def test_a_failing_compiler_gives_a_wheel_for_any_platform(tmp_path):
    distributions.require_build()
    checkout = distributions.copy_checkout(tmp_path / "checkout")
    broken = "from gfla_tf.errors import InputError\ndef build(folder):\n    raise InputError('it broke')\n"
    (checkout / "gfla_tf" / "native" / "build.py").write_text(broken)
    options = {"GFLA_NATIVE": "1", "CXX": sys.executable}
    built, output = distributions.build(checkout, tmp_path / "out", "wheel", **options)
    assert "gfla_tf: it broke\n" in output
    assert output.count("gfla_tf: continuing without compiled operators: they could not be built\n") == 1
    assert _tags(built) == ("true", ["py3-none-any"])
    assert not any(name.startswith("gfla_tf/native/lib") for name in distributions.contents(built))


def test_the_metadata_matches_the_project(metadata):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (metadata["Name"], metadata["Version"]) == ("gfla-tf", __version__)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    bounds = set(metadata["Requires-Python"].split(","))
    assert bounds == {">=3.11", "<3.14"}
    assert set(metadata.get_all("Provides-Extra")) == set(project["optional-dependencies"])
    requires = metadata.get_all("Requires-Dist")
    plain = [one for one in requires if "extra ==" not in one]
    assert {re.match(r"[\w-]+", one)[0] for one in plain} == {
        "tensorflow",
        "keras",
        "numpy",
        "opencv-python-headless",
        "pillow",
        "PyYAML",
        "tqdm",
    }
    for extra, packages in project["optional-dependencies"].items():
        listed = [one for one in requires if re.search(rf"extra == ['\"]{extra}['\"]", one)]
        assert len(listed) == len(packages), extra


def test_the_readme_is_the_description_and_renders(metadata):
    renderer = pytest.importorskip("readme_renderer.markdown", reason="it is part of the extra [dev]")
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = metadata.get_payload(decode=True).decode()
    assert text == (ROOT / "README.md").read_text(encoding="utf-8")
    page = renderer.render(text)
    for part in ("<h1", "<table", "<pre", "<code", "<a href"):
        assert part in page
    assert "```" not in page


@pytest.fixture
def environment(wheel, tmp_path):
    """The folder of an environment that contains the wheel and nothing else."""
    folder = tmp_path / "environment"
    folder.mkdir()
    bare = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    alone = ["--no-index", "--no-deps", "--ignore-installed"]
    for words in (
        ["venv", "--without-pip", str(folder)],
        ["pip", "--python", str(folder / "bin" / "python"), "install", *alone, str(wheel)],
    ):
        subprocess.run(
            [sys.executable, "-m", *words], check=True, cwd=folder, env=bare, stdout=subprocess.DEVNULL
        )
    return folder


def test_an_environment_with_nothing_else_reports_what_is_missing(environment):
    gfla = environment / "bin" / "gfla"
    bare = {"env": {"PATH": os.defpath}, "cwd": environment, "capture_output": True, "text": True}
    version = subprocess.run([gfla, "--version"], **bare, check=True).stdout.splitlines()
    assert version[0] == f"gfla_tf {__version__}"
    assert version[-1] == "compiled operators cannot run: TensorFlow is not installed"
    assert "generate" in subprocess.run([gfla, "--help"], **bare, check=True).stdout


def _packages():
    """The package folders of the running environment."""
    return [path for path in sys.path if os.path.basename(path) == "site-packages"]


def test_the_installed_wheel_passes_the_smoke_test(environment):
    """TensorFlow comes from the running environment; gfla_tf comes from the wheel, first on the path."""
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "parent.pth").write_text("\n".join(_packages()) + "\n")
    done = subprocess.run(
        [environment / "bin" / "python", "-P", SMOKE], capture_output=True, text=True, cwd=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"smoke test passed in {environment}, with TensorFlow's")
