"""Writes manifest.json, which lists every model file in this folder, and the exported copies of the models.

    python savedmodels/make.py              writes manifest.json from the existing files
    python savedmodels/make.py --exports    exports the models first

An entry of the manifest is the output of one command: the command, the metrics measured on it, and its files
with hash and size. Training and evaluation are separate commands.
"""

import argparse
import hashlib
import json
import shlex
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MANIFEST = FOLDER / "manifest.json"
WITHOUT_HASH = ("README.md", "make.py", "manifest.json")  # documents and code, which are not listed


def file_record(path):
    """The hash and the size of a file."""
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def trained_metrics(metrics):
    """The rows about the model in the output of `gfla evaluate`."""
    return {
        "pairs": metrics["pairs"],
        "generated": metrics["images"]["generated"],
        "flow": metrics["flows"]["F, finest flow"],
        "visibility_auc": metrics["visibility_auc"],
    }


def _trained(name):
    return trained_metrics(json.loads((FOLDER / name / "metrics.json").read_text(encoding="utf-8")))


def _exported(model_card):
    return {"parity": json.loads((FOLDER / model_card).read_text(encoding="utf-8"))["parity"]}


# {name: (command, patterns of its files, its metrics)}. Commands run in the root of the repository.
ENTRIES = {
    "synthetic/model.keras": (
        "gfla train synthetic -o runs/synthetic",
        ["synthetic/model.keras", "synthetic/config.yaml"],
        lambda: _trained("synthetic"),
    ),
    "synthetic/metrics.json": (
        "gfla evaluate --targets synthetic -o savedmodels/synthetic/metrics.json",
        ["synthetic/metrics.json"],
        lambda: None,
    ),
    "synthetic/saved_model/1": (
        "gfla export --format savedmodel -o savedmodels/synthetic/saved_model/1",
        ["synthetic/saved_model/1/**/*"],
        lambda: _exported("synthetic/saved_model/1/model_card.json"),
    ),
    "synthetic/model.tflite": (
        "gfla export --format tflite --quantize float16 -o savedmodels/synthetic/model.tflite",
        ["synthetic/model.tflite", "synthetic/model.model_card.json"],
        lambda: _exported("synthetic/model.model_card.json"),
    ),
}
EXPORTS = ("synthetic/saved_model/1", "synthetic/model.tflite")


def files_here():
    """The names, relative to savedmodels/, of all files that the manifest must list."""
    files = (path for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path.relative_to(FOLDER).as_posix() for path in files if path.name not in WITHOUT_HASH)


def manifest():
    """Returns the manifest of the existing files.

    Raises:
      SystemExit: a file belongs to no entry or to two.
    """
    entries, entry_of = {}, {}
    for name, (command, patterns, metrics) in ENTRIES.items():
        own = {path for pattern in patterns for path in FOLDER.glob(pattern) if path.is_file()}
        names = sorted(path.relative_to(FOLDER).as_posix() for path in own)
        for file in names:
            if file in entry_of:
                raise SystemExit(f"make: {file} belongs to {entry_of[file]} and to {name}")
            entry_of[file] = name
        files = {file: file_record(FOLDER / file) for file in names}
        entries[name] = {"command": command, "metrics": metrics(), "files": files}
    strays = [name for name in files_here() if name not in entry_of]
    if strays:
        raise SystemExit(f"make: no command in make.py writes {', '.join(strays)}")
    return {"schema": 1, "entries": entries}


def main():
    """Exports the models if requested, and writes the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exports", action="store_true", help="export the models again first")
    if parser.parse_args().exports:
        from gfla_tf.cli.main import main as gfla

        for name in EXPORTS:
            code = gfla([*shlex.split(ENTRIES[name][0])[1:], "--force"])
            if code:
                raise SystemExit(code)
    MANIFEST.write_text(json.dumps(manifest(), indent=2) + "\n", encoding="utf-8")
    print(f"wrote {MANIFEST}")


if __name__ == "__main__":
    main()
