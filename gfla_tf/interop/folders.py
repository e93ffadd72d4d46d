"""Which files of a folder belong together: the checkpoints of the released program, or a run of ours."""

import os
import re

from gfla_tf.errors import InputError

ENDINGS = {"keras": (".keras",), "torch": (".pth",)}
_OURS = {"G": "model.keras", "D": "discriminator.keras"}
_RELEASED = {"G": "latest_net_G.pth", "D": "latest_net_D.pth"}


def plan(source, out, to=None):
    """The conversions that a command asks for, as [(input file, output file)].

    A folder with `latest_net_G.pth` and `latest_net_D.pth` (or, without them, one `<name>_net_G.pth`) becomes
    a folder with `model.keras` and `discriminator.keras`, and the other way round; where `out` is the name of
    a file, the generator alone is converted.

    Args:
      source: a file or a folder.
      out: a file's name, ending in .keras, .pth or .npz; for a folder also the name of one.
      to: "keras" or "torch", which must agree with `out`; None: what `source` is not.

    Raises:
      InputError: a folder with nothing to convert, or names that do not agree.
    """
    source, out = os.fspath(source), os.fspath(out)
    ending = os.path.splitext(out)[1]
    if to is not None and ending and ending not in ENDINGS[to] and not os.path.isdir(out):
        raise InputError(f"--to {to} writes {ENDINGS[to][0]}, and the output is {out!r}: name it accordingly")
    if not os.path.isdir(source):
        return [(source, out)]
    files = _checkpoints(source, {".keras": "keras", ".pth": "torch"}.get(ending, to))
    if ending in (".keras", ".pth", ".npz"):
        if "G" not in files:
            raise InputError(f"{source} holds no generator: name {files['D']} to convert the discriminator")
        return [(files["G"], out)]
    names = _OURS if files["G" if "G" in files else "D"].endswith(".pth") else _RELEASED
    return [(path, os.path.join(out, names[part])) for part, path in files.items()]


def left_out(source, pairs):
    """The discriminator's file in a folder of which `plan` takes the generator alone; None otherwise."""
    if not os.path.isdir(source):
        return None
    to = "keras" if pairs[0][0].endswith(".pth") else "torch"
    discriminator = _checkpoints(source, to).get("D")
    return None if discriminator in [path for path, _ in pairs] else discriminator


def _checkpoints(folder, to):
    """{"G": path, "D": path}, what is there of them, in the format that is not `to`."""
    names = sorted(os.listdir(folder))
    ours = {part: name for part, name in _OURS.items() if name in names}
    released = {part: _released(folder, names, part) for part in _RELEASED}
    released = {part: name for part, name in released.items() if name}
    if ours and released and to is None:
        raise InputError(f"{folder} holds models of both programs: say --to keras or --to torch")
    found = (ours if to == "torch" else released if to == "keras" else ours or released) or {}
    if not found:
        wanted = "model.keras" if to == "torch" else "latest_net_G.pth"
        begun = " (the run in it is not finished: gfla train --resume)" if "run.json" in names else ""
        raise InputError(f"the folder {folder} holds no {wanted}{begun}; name the file to convert")
    return {part: os.path.join(folder, name) for part, name in found.items()}


def _released(folder, names, part):
    if _RELEASED[part] in names:
        return _RELEASED[part]
    found = [name for name in names if re.fullmatch(rf".+_net_{part}\.pth", name)]
    if len(found) > 1:
        raise InputError(f"{folder} holds {', '.join(found[:10])}: name the one to convert")
    return found[0] if found else None
