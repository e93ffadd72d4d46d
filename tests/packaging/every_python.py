"""Builds the sdist and the wheel as for a release and tests them in empty environments: `make package-check`.

    python tests/packaging/every_python.py [PYTHON ...]

`python -m build` makes the sdist and, from it, the wheel. The wheel and its dependencies are installed into
an empty environment of every PYTHON (default: every supported version found on the PATH or in pyenv's
folder), where the smoke test runs outside the checkout. If there is a C++ compiler, a wheel with compiled
operators is built as well and replaces the first one in the last environment. Requires the extra [dev],
access to the package index, and about 3 GB in the temporary folder. Exits with 1 at the first failure, and
with 2 if no interpreter is found.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMOKE = ROOT / "tests" / "packaging" / "smoke.py"
VERSIONS = ("3.11", "3.12", "3.13")


def run(*words, **environment):
    """Runs a program with its output shown; exits if it fails."""
    print(f"+ {' '.join(map(str, words))}", flush=True)
    bare = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(words, env={**bare, **environment}, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"every_python: {words[0]} ended with code {done.returncode}")


def version(python):
    """The version of an interpreter, such as "3.12", or None if it cannot be run."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def found():
    """{version: interpreter} of every supported Python that is installed."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    pythons = {version(sys.executable): sys.executable}
    for wanted in VERSIONS:
        on_path = shutil.which(f"python{wanted}")
        for python in [*([on_path] if on_path else []), *sorted(pyenv.glob(f"{wanted}.*/bin/python"))]:
            if wanted not in pythons and version(python) == wanted:
                pythons[wanted] = str(python)
    return {wanted: pythons[wanted] for wanted in VERSIONS if wanted in pythons}


def build(out, *options, **environment):
    """Builds with these options into the folder `out`, and returns the wheel."""
    run(sys.executable, "-P", "-m", "build", *options, "-o", out, ROOT, **environment)
    (wheel,) = out.glob("*.whl")
    return wheel


def install(python, wheel, folder):
    """Creates an environment, installs the wheel and its dependencies, and returns its interpreter."""
    run(python, "-m", "venv", folder)
    inside = folder / "bin" / "python"
    run(inside, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    run(inside, "-m", "pip", "check")
    return inside


def main():
    """Builds, installs and tests; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="interpreters (default: all found)")
    pythons = parser.parse_args().pythons or list(found().values())
    if not pythons:
        print(f"every_python: none of Python {', '.join(VERSIONS)} is found", file=sys.stderr)
        return 2
    own = version(sys.executable)
    pythons.sort(key=lambda python: version(python) == own)  # its environment is used again below
    with tempfile.TemporaryDirectory(prefix="gfla_packages_") as scratch:
        scratch = Path(scratch)
        os.chdir(scratch)
        wheel = build(scratch / "pure")
        for python in pythons:
            shutil.rmtree(scratch / "environment", ignore_errors=True)
            inside = install(python, wheel, scratch / "environment")
            run(inside, "-P", SMOKE)
        if not any(map(shutil.which, ("c++", "g++", "clang++"))):
            print("skipped: the wheel with compiled operators, because there is no C++ compiler")
            return 0
        wheel = build(scratch / "platform", "--wheel", "--no-isolation", GFLA_NATIVE="1")
        run(inside, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", wheel)
        run(inside, "-P", SMOKE, "--operators", "wheel")
    print(f"interpreters on which the wheel works: {len(pythons)}, and with compiled operators: 1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
