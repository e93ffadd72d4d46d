"""Build settings that pyproject.toml cannot express: the data files and the compiled operators.

The operators are compiled if there is a C++ compiler and the target environment contains TensorFlow.
Otherwise, or if the compiler fails, the build prints the reason and continues without them.
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

# Top-level folders whose data files, without scripts, are installed inside gfla_tf.
DATA = {
    "gfla_tf.configs": ["*.yaml"],
    "gfla_tf.savedmodels": [
        "README.md",
        *(f"*/{name}" for name in ("README.md", "model.keras", "config.yaml", "metrics.json")),
    ],
    "gfla_tf.custom_ops": ["CMakeLists.txt", "cmake/*.cmake", "kernels/*", "ops/*"],
}

# Runs in the target interpreter, outside pip's isolated build environment.
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


def run_outside(code):
    """Runs code with the packages of the target environment; returns whether it succeeded."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONNOUSERSITE")
    }
    environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    build_tools = [folder for folder in map(_programs, ("cmake", "ninja")) if folder]
    environment["PATH"] = os.pathsep.join([*build_tools, environment.get("PATH", os.defpath)])
    return subprocess.run([sys.executable, "-P", "-c", code], env=environment).returncode == 0


def _programs(name):
    """The folder of the programs of the PyPI package cmake or ninja; None if it is not installed."""
    if importlib.util.find_spec(name) is None:
        return None
    module = importlib.import_module(name)
    return getattr(module, "CMAKE_BIN_DIR", None) or getattr(module, "BIN_DIR", None)


def reason_not_to_compile():
    """The reason why the operators cannot be compiled, as a clause; None if they can be."""
    if os.environ.get("GFLA_NATIVE") == "0":
        return "GFLA_NATIVE=0"
    compiler = os.environ.get("CXX")
    if not any(map(shutil.which, [compiler] if compiler else ["c++", "g++", "clang++"])):
        return "there is no C++ compiler"
    if not run_outside(
        "import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorflow') is None)"
    ):
        return "TensorFlow is not installed in this build's environment"
    return None


def build_requirements():
    """The packages that pip must provide for the build: CMake and Ninja, unless the system has CMake."""
    if "egg_info" not in sys.argv[1:] or shutil.which("cmake") or reason_not_to_compile():
        return []
    return ["cmake>=3.18", "ninja"]


class BuildWithOperators(build_py):
    """Adds the compiled operators to the package."""

    def find_package_modules(self, package, package_dir):
        return [] if package in DATA else super().find_package_modules(package, package_dir)

    def run(self):
        package = ROOT / "gfla_tf"
        if not self.editable_mode:
            package = Path(self.build_lib).resolve() / "gfla_tf"
            shutil.rmtree(package, ignore_errors=True)  # may contain files that were renamed or removed since
        super().run()
        reason = reason_not_to_compile()
        if reason is None:
            code = BUILD.format(root=str(ROOT), folder=str(package / "native" / "lib"))
            self.distribution.has_operators = run_outside(code)
            reason = None if self.distribution.has_operators else "they could not be built"
        if reason is not None:
            print(f"gfla_tf: continuing without compiled operators: {reason}", flush=True)


class PlatformWheel(bdist_wheel):
    """A wheel for this platform and any Python if it contains compiled operators, else for any platform."""

    def run(self):
        self.run_command("build")
        self.root_is_pure = not self.distribution.has_operators
        super().run()

    def get_tag(self):
        _, _, platform = super().get_tag()
        return ("py3", "none", platform) if self.distribution.has_operators else ("py3", "none", "any")


class DistributionWithOperators(Distribution):
    """A distribution that is platform-specific if the operators were compiled."""

    has_operators = False

    def has_ext_modules(self):
        return self.has_operators


setup(
    setup_requires=build_requirements(),
    distclass=DistributionWithOperators,
    cmdclass={"build_py": BuildWithOperators, "bdist_wheel": PlatformWheel},
    packages=[*find_packages(include=["gfla_tf", "gfla_tf.*"]), *DATA],
    package_dir={name: name.partition(".")[2] for name in DATA},
    include_package_data=False,  # MANIFEST.in lists the files of the sdist, which contains more
    package_data=DATA,
)
