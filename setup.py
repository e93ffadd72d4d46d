"""What pyproject.toml cannot say: the shipped data files, and the compiled operators.

The operators are compiled where a C++ compiler and, in the environment that is installed into, TensorFlow are
found. Where they are not, or the compiler fails, the installation says so and goes on without them.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent

# Folders beside gfla_tf whose files, but no scripts, go into it.
DATA = {
    "gfla_tf.configs": ["*.yaml"],
    "gfla_tf.savedmodels": [
        "README.md",
        *(f"*/{name}" for name in ("README.md", "model.keras", "config.yaml", "metrics.json")),
    ],
    "gfla_tf.custom_ops": ["CMakeLists.txt", "cmake/*.cmake", "kernels/*", "ops/*"],
}

# Runs in the interpreter that is installed into, outside pip's isolated build environment.
BUILD = """
import sys
sys.path.insert(0, {root!r})
from gfla_tf.errors import InputError
from gfla_tf.native.build import build
try:
    build({folder!r})
except InputError as error:
    sys.exit(f"gfla_tf: {{error}}")
"""


def outside(code):
    """Runs code with the packages of the environment that is installed into; returns whether it succeeded."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONNOUSERSITE")
    }
    environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    fetched = [folder for folder in map(_programs, ("cmake", "ninja")) if folder]
    environment["PATH"] = os.pathsep.join([*fetched, environment.get("PATH", os.defpath)])
    return subprocess.run([sys.executable, "-P", "-c", code], env=environment).returncode == 0


def _programs(name):
    """The folder of the programs that the PyPI package cmake or ninja holds; None if it is not installed."""
    if importlib.util.find_spec(name) is None:
        return None
    module = importlib.import_module(name)
    return getattr(module, "CMAKE_BIN_DIR", None) or getattr(module, "BIN_DIR", None)


def obstacle():
    """Why the operators cannot be compiled here, as a clause; None where they can."""
    if os.environ.get("GFLA_NATIVE") == "0":
        return "GFLA_NATIVE=0"
    named = os.environ.get("CXX")
    if not any(map(shutil.which, [named] if named else ["c++", "g++", "clang++"])):
        return "there is no C++ compiler"
    if not outside("import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorflow') is None)"):
        return "TensorFlow is not installed in this build's environment"
    return None


def tools():
    """What a build needs beside the compiler, where the system has no CMake: asked for when pip asks."""
    asks = "egg_info" in sys.argv[1:]
    return ["cmake>=3.18", "ninja"] if asks and not shutil.which("cmake") and not obstacle() else []


class BuildWithOperators(build_py):
    """Compiles the operators into the package, beside the Python files."""

    def find_package_modules(self, package, package_dir):
        return [] if package in DATA else super().find_package_modules(package, package_dir)

    def run(self):
        package = ROOT / "gfla_tf"
        if not self.editable_mode:
            package = Path(self.build_lib).resolve() / "gfla_tf"
            shutil.rmtree(package, ignore_errors=True)  # files of an earlier build, since renamed or removed
        super().run()
        why_not = obstacle()
        if why_not is None:
            code = BUILD.format(root=str(ROOT), folder=str(package / "native" / "lib"))
            self.distribution.has_operators = outside(code)
            why_not = None if self.distribution.has_operators else "they could not be built"
        if why_not is not None:
            print(f"gfla_tf: going on without compiled operators: {why_not}", flush=True)


class PlatformWheel(bdist_wheel):
    """A wheel of this platform, but of any Python, where it holds the compiled operators."""

    def run(self):
        self.run_command("build")
        self.root_is_pure = not self.distribution.has_operators
        super().run()

    def get_tag(self):
        _, _, platform = super().get_tag()
        return ("py3", "none", platform) if self.distribution.has_operators else ("py3", "none", "any")


class DistributionWithOperators(Distribution):
    """A distribution that is of one platform once it holds the compiled operators."""

    has_operators = False

    def has_ext_modules(self):
        return self.has_operators


setup(
    setup_requires=tools(),
    distclass=DistributionWithOperators,
    cmdclass={"build_py": BuildWithOperators, "bdist_wheel": PlatformWheel},
    packages=[*find_packages(include=["gfla_tf", "gfla_tf.*"]), *DATA],
    package_dir={name: name.partition(".")[2] for name in DATA},
    include_package_data=False,  # what MANIFEST.in names is for the sdist, which holds more
    package_data=DATA,
)
