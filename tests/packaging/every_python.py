"""Builds sdist and wheel as a release does, and tries them in empty environments: `make package-check`.

    python tests/packaging/every_python.py [PYTHON ...]

`python -m build` makes the sdist and, from it, the wheel. The wheel is installed with its dependencies into
an empty environment of every PYTHON (default: each 3.11, 3.12 and 3.13 that is found on the PATH or among
pyenv's), where the smoke test runs outside the checkout. Where there is a C++ compiler, the wheel with
compiled operators is built and tried as well. Needs the extra [dev], the package index, and some 3 GB in the
temporary folder. Exits with 1 at the first failure, 2 where there is nothing to try.
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
    """Runs a program, shows what it prints, and ends this one if it fails."""
    print(f"+ {' '.join(map(str, words))}", flush=True)
    bare = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(words, env={**bare, **environment}, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"every_python: {words[0]} ended with code {done.returncode}")


def version(python):
    """The "3.12" of an interpreter; None if it cannot be run."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def found():
    """{version: interpreter} of every Python that the project supports and that is here."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    pythons = {version(sys.executable): sys.executable}
    for wanted in VERSIONS:
        named = shutil.which(f"python{wanted}")
        for python in [*([named] if named else []), *sorted(pyenv.glob(f"{wanted}.*/bin/python"))]:
            if wanted not in pythons and version(python) == wanted:
                pythons[wanted] = str(python)
    return {wanted: pythons[wanted] for wanted in VERSIONS if wanted in pythons}


def build(out, *options, **environment):
    """Builds what the options say; the wheel."""
    run(sys.executable, "-P", "-m", "build", *options, "-o", out, ROOT, **environment)
    (wheel,) = out.glob("*.whl")
    return wheel


def install(python, wheel, folder):
    """An empty environment with the wheel and its dependencies; its interpreter."""
    run(python, "-m", "venv", folder)
    inside = folder / "bin" / "python"
    run(inside, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    run(inside, "-m", "pip", "check")
    return inside


def main():
    """Builds, installs and tries."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="interpreters (default: all found)")
    pythons = parser.parse_args().pythons or list(found().values())
    if not pythons:
        print(f"every_python: none of Python {', '.join(VERSIONS)} is found", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="gfla_packages_") as place:
        place = Path(place)
        os.chdir(place)
        wheel = build(place / "pure")
        for number, python in enumerate(pythons):
            run(install(python, wheel, place / str(number)), "-P", SMOKE)
            shutil.rmtree(place / str(number))
        if not any(map(shutil.which, ("c++", "g++", "clang++"))):
            print("skipped: the wheel with compiled operators, there is no C++ compiler")
            return 0
        wheel = build(place / "platform", "--wheel", "--no-isolation", GFLA_NATIVE="1")
        run(install(sys.executable, wheel, place / "compiled"), "-P", SMOKE, "--operators", "wheel")
    print(f"the wheel works in {len(pythons)} empty environments, and with compiled operators in one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
