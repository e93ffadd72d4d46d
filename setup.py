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

# Runs in the interpreter that is installed into, outside pip's isolated build environment.
BUILD = """
import sys
sys.path.insert(0, {root!r})
from gfla_tf.errors import InputError
from gfla_tf.ops.native_build import build
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


def can_compile():
    """Whether a compiler and TensorFlow are there; says which is not."""
    if os.environ.get("GFLA_NATIVE") == "0":
        print("gfla_tf: installing without compiled operators: GFLA_NATIVE=0", flush=True)
        return False
    named = os.environ.get("CXX")
    if not any(map(shutil.which, [named] if named else ["c++", "g++", "clang++"])):
        print("gfla_tf: installing without compiled operators: there is no C++ compiler", flush=True)
        return False
    if not outside("import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorflow') is None)"):
        print("gfla_tf: installing without compiled operators: TensorFlow is not installed here", flush=True)
        return False
    return True


def tools():
    """What a build needs beside the compiler, where the system has no CMake: asked for when pip asks."""
    asks = "egg_info" in sys.argv[1:]
    return ["cmake>=3.18", "ninja"] if asks and not shutil.which("cmake") and can_compile() else []


class BuildWithOperators(build_py):
    """Compiles the operators into the package, beside the Python files."""

    def run(self):
        super().run()
        package = ROOT / "gfla_tf" if self.editable_mode else Path(self.build_lib).resolve() / "gfla_tf"
        folder = package / "ops" / "lib"
        if can_compile():
            self.distribution.has_operators = outside(BUILD.format(root=str(ROOT), folder=str(folder)))
            if not self.distribution.has_operators:
                print("gfla_tf: installing without compiled operators: they could not be built", flush=True)
        if not self.distribution.has_operators and not self.editable_mode:
            shutil.rmtree(folder, ignore_errors=True)  # of an earlier build in this folder


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
    packages=[
        *find_packages(include=["gfla_tf", "gfla_tf.*"]),
        "gfla_tf.configs",
        "gfla_tf.savedmodels",
        "gfla_tf.custom_ops",
    ],
    package_dir={
        "gfla_tf.configs": "configs",
        "gfla_tf.savedmodels": "savedmodels",
        "gfla_tf.custom_ops": "custom_ops",
    },
    package_data={
        "gfla_tf.configs": ["*.yaml"],
        "gfla_tf.savedmodels": ["**/*"],
        "gfla_tf.custom_ops": ["CMakeLists.txt", "cmake/*.cmake", "kernels/*", "ops/*"],
    },
)
