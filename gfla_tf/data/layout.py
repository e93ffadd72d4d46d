"""The layout of a data folder: what its files are called, and how a line of a pair file reads.

<root>/<prefix>-pairs-{train,test}.csv           from,to
<root>/<prefix>-annotation-{train,test}.csv      name:keypoints_y:keypoints_x
<root>/{train,test}/<image>
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from gfla_tf.errors import InputError
from gfla_tf.images.io import read_file
from gfla_tf.pose.keypoints import MAX_CSV_BYTES, decode_text

SPLITS = ("train", "test")
PAIRS_HEADER = "from,to"
_LONGEST_NAME = 1024


@dataclass(frozen=True)
class Layout:
    """One dataset's way: the CSV files' `prefixes` (the authors' own spelling first), and (H, W) in pixels of
    the keypoints' `frame` and of the images that the networks read.
    """

    name: str
    prefixes: tuple[str, ...]
    frame: tuple[int, int]
    image_size: tuple[int, int]


DEEPFASHION = Layout("deepfashion", ("fasion", "fashion"), (256, 176), (256, 256))
MARKET1501 = Layout("market1501", ("market",), (128, 64), (128, 64))
LAYOUTS = {layout.name: layout for layout in (DEEPFASHION, MARKET1501)}

_SOURCE_TREES = {
    "deepfashion": ("img_highres", "img", "MEN", "WOMEN"),
    "market1501": ("bounding_box_train", "bounding_box_test"),
}


def find_layout(root: str, name: str | None = None) -> Layout:
    """The layout of a data folder, told by the names of its CSV files, or the one named, if it is there.

    Raises:
      InputError: `root` is no data folder, not of the layout named, or of both layouts.
      ValueError: an unknown name.
    """
    if not os.path.isdir(root):
        raise InputError(f"the data folder {root!r} does not exist or is not a folder")
    if name is not None and name not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, got {name!r}")
    wanted = [LAYOUTS[name]] if name is not None else list(LAYOUTS.values())
    found = [layout for layout in wanted if _has_files_of(root, layout)]
    if len(found) > 1:
        names = " and ".join(layout.name for layout in found)
        raise InputError(f"the folder {root!r} holds the files of {names}: say which one with --layout")
    if found:
        return found[0]
    for layout, trees in _SOURCE_TREES.items():
        tree = next((tree for tree in trees if os.path.isdir(os.path.join(root, tree))), None)
        if tree is not None:
            raise InputError(
                f"{root!r} is no data folder but holds {tree!r}, as the dataset's owners hand it out: "
                f"make one with `gfla data prepare {layout} {root} -o FOLDER`"
            )
    expected = " or ".join(f"{layout.prefixes[0]}-pairs-train.csv" for layout in wanted)
    raise InputError(
        f"{root!r} is no data folder: it holds no {expected} or the like (docs/data.md shows one)"
    )


def _has_files_of(root: str, layout: Layout) -> bool:
    names = (
        f"{prefix}-{kind}-{split}.csv"
        for prefix in layout.prefixes
        for kind in ("pairs", "annotation")
        for split in SPLITS
    )
    return any(os.path.lexists(os.path.join(root, name)) for name in names)


def find_csv(root: str, prefixes: tuple[str, ...], kind: str, split: str) -> str:
    """The path of a split's "pairs" or "annotation" file under its first spelling that is there.

    Raises:
      InputError: it is there under none.
    """
    paths = [os.path.join(root, f"{prefix}-{kind}-{split}.csv") for prefix in prefixes]
    for path in paths:
        if os.path.exists(path):
            return path
    raise InputError(f"the data folder lacks {' or '.join(map(repr, paths))}")


def read_pairs(path: str):
    """Yields (line number, (from, to)) of a pair CSV.

    Raises:
      InputError: the file is missing or a line is malformed; the sentence names the line.
    """
    lines = decode_text(read_file(path, MAX_CSV_BYTES, "pair file"), path).splitlines()
    check_pairs_header(lines[0] if lines else "", path)
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            yield number, parse_pair(line, f"{path!r}, line {number}")


def check_pairs_header(line: str, path: str) -> None:
    """Raises `InputError` where the first line of a pair CSV is not `from,to`."""
    if line.strip() != PAIRS_HEADER:
        raise InputError(f"{path!r}, line 1: expected {PAIRS_HEADER!r}, found {line[:60]!r}")


def parse_pair(line: str, where: str) -> tuple[str, str]:
    """The names (from, to) of a line of a pair CSV; `where` starts the sentence of the `InputError`."""
    names = tuple(part.strip() for part in line.split(","))
    if len(names) != 2 or not all(names):
        raise InputError(f"{where}: expected {PAIRS_HEADER!r}, found {line[:60]!r}")
    return names


def check_inside(name: str, where: str) -> None:
    """Raises `InputError` where an image's name would lead out of the folder of its split, or is none at all:
    longer than any path.
    """
    if len(name) > _LONGEST_NAME:
        raise InputError(f"{where}: a name of {len(name):,} characters, {name[:40]!r}…, is no file name")
    plain, windows = PurePosixPath(name), PureWindowsPath(name)
    if plain.is_absolute() or windows.anchor or ".." in windows.parts or "\0" in name:
        raise InputError(f"{where}: the image {name!r} is outside the data folder")
