"""Smoke test of an installed gfla_tf, run by the Python of the environment that contains it.

    python tests/packaging/smoke.py [--operators any|wheel|compile]

Works in an empty temporary folder and uses nothing from a checkout. Exits with 1 and prints the output of
the failed step. `--operators wheel` requires that the wheel contains compiled operators that run; `compile`
compiles them from the installed sources and requires that they run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPTS = Path(sys.executable).parent


def run(*words):
    """Runs a program of this environment; returns its standard output."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(words, capture_output=True, text=True, env={**bare, "TF_CPP_MIN_LOG_LEVEL": "3"})
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def gfla(*words):
    """Runs the installed command `gfla`."""
    return run(str(SCRIPTS / "gfla"), *words)


def python(code):
    """Runs code with this environment's Python, isolated from the current folder."""
    return run(sys.executable, "-I", "-c", code)


def require(condition, message):
    """Exits with a message unless a condition holds; -O would remove an `assert`."""
    if not condition:
        sys.exit(message)


def imports():
    """Checks that the installed package is imported and that `python -m gfla_tf` runs the command."""
    path = Path(python("import gfla_tf; print(gfla_tf.__file__)").strip())
    require(path.is_relative_to(sys.prefix), f"gfla_tf is {path}, which is not in {sys.prefix}")
    python("import gfla_tf, gfla_tf.native.build; [getattr(gfla_tf, name) for name in gfla_tf.__all__]")
    require(run(sys.executable, "-m", "gfla_tf", "--version") == gfla("--version"), "two versions differ")


def version_and_help():
    """Checks `--version` and `--help`."""
    version = python("from importlib.metadata import version; print(version('gfla-tf'))").strip()
    require(gfla("--version").split()[:2] == ["gfla_tf", version], f"--version does not print {version}")
    require("generate" in gfla("--help"), "--help does not list the commands")


def native(operators):
    """Checks the status of the operators, after compiling them if requested."""
    if operators == "compile":
        gfla("native", "build", "--cuda", "off", "--force")
    status = json.loads(gfla("native", "status", "--json"))
    require(set(status["operators"]) >= {"local_attention", "bilinear_warp"}, f"operators: {status}")
    require(Path(status["library"]).is_relative_to(sys.prefix), f"the library is {status['library']}")
    require(status["available"] or operators == "any", f"the operators cannot run: {status['reason']}")
    return "compiled" if status["available"] else "TensorFlow's"


def generate():
    """Checks that the shipped model generates an image of a synthetic person."""
    gfla("data", "synthetic", "-o", "people", "--identities", "1", "--test-identities", "1", "--workers", "0")
    photographs = sorted(Path("people/test").iterdir())
    rows = [f"people/fasion-annotation-test.csv#{photograph.name}" for photograph in photographs[:2]]
    poses = ["--source-pose", rows[0], "--target-pose", rows[1]]
    gfla("generate", "--source", str(photographs[0]), *poses, "-o", "out.png", "--flow", "flow.png")
    sizes = python(
        "import cv2; files = [cv2.imread(name) for name in "
        f"({str(photographs[0])!r}, 'out.png', 'flow.png')]; "
        "print(*{file.shape for file in files}, files[1].std() > 5)"
    )
    require(sizes.count("(") == 1 and sizes.endswith("True\n"), f"the generated image is wrong: {sizes}")


def presets():
    """Checks that presets build the networks, and that a saved preset folder gives the same output."""
    shown = python(
        "import numpy as np; from gfla_tf.models import PersonImageGenerator as Model\n"
        "maps = {'source_pose': 18, 'target_pose': 18, 'source_image': 3}\n"
        "given = {name: np.ones([1, 64, 64, size], 'float32') for name, size in maps.items()}\n"
        "model = Model.from_preset('synthetic')\n"
        "model.save_to_preset('preset')\n"
        "first, second = (one(given)['image'] for one in (model, Model.from_preset('preset')))\n"
        "print(first.shape, np.abs(first - second).max() < 1e-6)\n"
        "print(Model.from_preset('fashion', load_weights=False).count_params())"
    )
    require(shown == "(1, 64, 64, 3) True\n14047395\n", f"the presets are wrong: {shown}")


def export():
    """Checks that the exported model runs in a process that cannot import gfla_tf."""
    gfla("export", "--format", "savedmodel", "-o", "served/1")
    (photograph, *_) = sorted(Path("people/test").iterdir())
    shown = python(
        "import sys; sys.modules['gfla_tf'] = None\n"
        "import tensorflow as tf\n"
        f"photo = tf.io.read_file({str(photograph)!r})\n"
        "answer = tf.saved_model.load('served/1').signatures['serving_default']\n"
        "points = tf.fill([1, 18, 2], 20.0)\n"
        "pictures = answer(source_bytes=photo[None], source_keypoints=points, target_keypoints=points)\n"
        "sizes = [tf.io.decode_image(one).shape for one in (photo, pictures['image_bytes'][0])]\n"
        "print(sizes[0] == sizes[1], pictures['image'].shape)"
    )
    require(shown == "True (1, 64, 64, 3)\n", f"the exported model is wrong: {shown}")


def main():
    """Runs every check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choices = ("any", "wheel", "compile")
    parser.add_argument("--operators", choices=choices, default="any", help="which must run (default: any)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        imports()
        version_and_help()
        operators = native(arguments.operators)
        generate()
        presets()
        export()
        os.chdir("/")
    print(gfla("--version").strip())
    print(f"smoke test passed in {sys.prefix}, with {operators} operators")


if __name__ == "__main__":
    main()
