"""Makes manifest.json, which names every model file here, and the exported copies of the shipped models.

    python savedmodels/make.py              manifest.json, from the files as they are
    python savedmodels/make.py --exports    the exported copies first

An entry of the manifest is what one command made: the command, the figures measured on it, and its files with
hash and size. Models are trained and measured by their own commands; this only enters them.
"""

import argparse
import hashlib
import json
import shlex
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MANIFEST = FOLDER / "manifest.json"
WITHOUT_HASH = ("README.md", "make.py", "manifest.json")  # texts, whose history git keeps


def file_record(path):
    """A file's hash and size."""
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def trained_metrics(figures):
    """Of what `gfla evaluate` wrote: the rows that are about the model."""
    return {
        "pairs": figures["pairs"],
        "generated": figures["images"]["generated"],
        "flow": figures["flows"]["F, finest flow"],
        "visibility_auc": figures["visibility_auc"],
    }


def _trained(name):
    return trained_metrics(json.loads((FOLDER / name / "metrics.json").read_text(encoding="utf-8")))


def _exported(card):
    return {"parity": json.loads((FOLDER / card).read_text(encoding="utf-8"))["parity"]}


# name: (command, patterns of its files, its figures). Commands run at the repository's root.
MADE = {
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
    """The names, relative to savedmodels/, of all files that belong into the manifest."""
    files = (path for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path.relative_to(FOLDER).as_posix() for path in files if path.name not in WITHOUT_HASH)


def manifest():
    """The manifest of the files as they are.

    Raises:
      SystemExit: a file belongs to no entry, or to two.
    """
    entries, owners = {}, {}
    for name, (command, patterns, figures) in MADE.items():
        own = {path for pattern in patterns for path in FOLDER.glob(pattern) if path.is_file()}
        names = sorted(path.relative_to(FOLDER).as_posix() for path in own)
        for file in names:
            if file in owners:
                raise SystemExit(f"make: {file} belongs to {owners[file]} and to {name}")
            owners[file] = name
        files = {file: file_record(FOLDER / file) for file in names}
        entries[name] = {"command": command, "metrics": figures(), "files": files}
    strays = [name for name in files_here() if name not in owners]
    if strays:
        raise SystemExit(f"make: no command in make.py makes {', '.join(strays)}")
    return {"schema": 1, "made": entries}


def main():
    """Exports where that is asked for, and writes the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exports", action="store_true", help="make the exported copies again first")
    if parser.parse_args().exports:
        from gfla_tf.cli.main import main as gfla

        for name in EXPORTS:
            code = gfla([*shlex.split(MADE[name][0])[1:], "--force"])
            if code:
                raise SystemExit(code)
    MANIFEST.write_text(json.dumps(manifest(), indent=2) + "\n", encoding="utf-8")
    print(f"wrote {MANIFEST}")


if __name__ == "__main__":
    main()
