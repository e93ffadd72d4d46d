"""The model files of a folder: checkpoints of the released program, or a run folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from gfla_tf.commands import argument, command
from gfla_tf.errors import InputError
from gfla_tf.files.names import names_in

ENDINGS = {"keras": (".keras",), "torch": (".pth",)}
_KERAS = {"G": "model.keras", "D": "discriminator.keras"}
_TORCH = {"G": "latest_net_G.pth", "D": "latest_net_D.pth"}


def plan_conversions(
    source: str | os.PathLike, out: str | os.PathLike, to: str | None = None
) -> list[tuple[str, str]]:
    """Returns the conversions of a command as [(input file, output file)].

    A folder with `latest_net_G.pth` and `latest_net_D.pth` (or one other `<name>_net_G.pth`) is converted to
    a folder with `model.keras` and `discriminator.keras`, and vice versa. If `out` is a file, only the
    generator is converted.

    Args:
      source: A file or a folder.
      out: A file that ends in .keras, .pth or .npz, or, for a folder, a folder.
      to: "keras" or "torch", consistent with `out`. Defaults to the format that `source` is not in.

    Raises:
      InputError: The folder contains nothing to convert, or `out` and `to` disagree.
    """
    source, out = os.fspath(source), os.fspath(out)
    ending = os.path.splitext(out)[1]
    if to is not None and ending and ending not in ENDINGS[to] and not os.path.isdir(out):
        raise InputError(f"--to {to} writes {ENDINGS[to][0]}, but the output is {out!r}: use that extension")
    if not os.path.isdir(source):
        return [(source, out)]
    files = _checkpoints(source, {".keras": "keras", ".pth": "torch"}.get(ending, to))
    if ending in (".keras", ".pth", ".npz"):
        if "G" not in files:
            raise InputError(
                f"{source} contains no generator: give {files['D']} to convert the discriminator"
            )
        return [(files["G"], out)]
    names = _KERAS if files["G" if "G" in files else "D"].endswith(".pth") else _TORCH
    return [(path, os.path.join(out, names[part])) for part, path in files.items()]


def skipped_discriminator(source: str | os.PathLike, conversions: Sequence[tuple[str, str]]) -> str | None:
    """Returns the discriminator's file in `source` if the conversions do not include it, else `None`."""
    if not os.path.isdir(source):
        return None
    to = "keras" if conversions[0][0].endswith(".pth") else "torch"
    discriminator = _checkpoints(source, to).get("D")
    return None if discriminator in [path for path, _ in conversions] else discriminator


def _checkpoints(folder, to):
    """Returns the existing files as {"G": path, "D": path}, in the format that is not `to`."""
    names = names_in(folder)
    keras = {part: name for part, name in _KERAS.items() if name in names}
    torch = {part: _torch_checkpoint(folder, names, part) for part in _TORCH}
    torch = {part: name for part, name in torch.items() if name}
    if keras and torch and to is None:
        raise InputError(f"{folder} contains models in both formats: add --to keras or --to torch")
    files = keras if to == "torch" else torch if to == "keras" else keras or torch
    if not files:
        expected = "model.keras" if to == "torch" else "latest_net_G.pth"
        resume = command("train", "--resume", "-o", argument(folder))
        unfinished = f" (its run is not finished: {resume})" if "run.json" in names else ""
        raise InputError(f"the folder {folder} contains no {expected}{unfinished}; give the file to convert")
    return {part: os.path.join(folder, name) for part, name in files.items()}


def _torch_checkpoint(folder, names, part):
    if _TORCH[part] in names:
        return _TORCH[part]
    found = [name for name in names if re.fullmatch(rf".+_net_{part}\.pth", name)]
    if len(found) > 1:
        raise InputError(f"{folder} contains {', '.join(found[:10])}: give the one to convert")
    return found[0] if found else None
