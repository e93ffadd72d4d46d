"""The layout of a data folder: file names, and the format of pair files.

<root>/<prefix>-pairs-{train,test}.csv           from,to
<root>/<prefix>-annotation-{train,test}.csv      name:keypoints_y:keypoints_x
<root>/{train,test}/<image>
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from gfla_tf.commands import argument, command
from gfla_tf.csv_text import is_blank, is_header, read_cells, text_lines
from gfla_tf.errors import InputError
from gfla_tf.files.names import other_file
from gfla_tf.images.io import read_file
from gfla_tf.pose.keypoints import MAX_CSV_BYTES, decode_text

SPLITS = ("train", "test")
PAIRS_HEADER = "from,to"
_LONGEST_NAME = 1024


@dataclass(frozen=True)
class Layout:
    """The layout of one dataset.

    Attributes:
      name: "deepfashion" or "market1501".
      prefixes: accepted prefixes of the CSV files, the authors' own spelling first.
      frame: (H, W) of the keypoints' frame, in pixels.
      image_size: (H, W) of the networks' images, in pixels.
      configuration: name of the training configuration.
    """

    name: str
    prefixes: tuple[str, ...]
    frame: tuple[int, int]
    image_size: tuple[int, int]
    configuration: str


DEEPFASHION = Layout("deepfashion", ("fasion", "fashion"), (256, 176), (256, 256), "fashion")
MARKET1501 = Layout("market1501", ("market",), (128, 64), (128, 64), "market")
LAYOUTS = {layout.name: layout for layout in (DEEPFASHION, MARKET1501)}

_SOURCE_TREES = {
    "deepfashion": ("img_highres", "img", "MEN", "WOMEN"),
    "market1501": ("bounding_box_train", "bounding_box_test"),
}


def find_layout(root: str, name: str | None = None) -> Layout:
    """Detects the layout of a data folder from the names of its CSV files.

    Args:
      root: the folder.
      name: "deepfashion" or "market1501", to accept only this layout.

    Raises:
      InputError: `root` is not a data folder, not of the given layout, or of both layouts.
      ValueError: an unknown name.
    """
    if not os.path.isdir(root):
        raise InputError(f"the data folder {root!r} does not exist or is not a folder{other_file(root)}")
    if name is not None and name not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, got {name!r}")
    accepted = [LAYOUTS[name]] if name is not None else list(LAYOUTS.values())
    found = [layout for layout in accepted if _has_files_of(root, layout)]
    if len(found) > 1:
        names = " and ".join(layout.name for layout in found)
        raise InputError(f"the folder {root!r} contains the files of {names}: choose one with --layout")
    if found:
        return found[0]
    for layout, trees in _SOURCE_TREES.items():
        tree = next((tree for tree in trees if os.path.isdir(os.path.join(root, tree))), None)
        if tree is not None:
            raise InputError(
                f"{root!r} is not a data folder but contains {tree!r} of the original dataset: "
                f"prepare it with `{command('data', 'prepare', layout, argument(root), '-o', 'FOLDER')}`"
            )
    expected = " or ".join(f"{layout.prefixes[0]}-pairs-train.csv" for layout in accepted)
    raise InputError(f"{root!r} is not a data folder: it contains no {expected} etc. (see docs/data.md)")


def _has_files_of(root: str, layout: Layout) -> bool:
    names = (
        f"{prefix}-{kind}-{split}.csv"
        for prefix in layout.prefixes
        for kind in ("pairs", "annotation")
        for split in SPLITS
    )
    return any(os.path.lexists(os.path.join(root, name)) for name in names)


def find_csv(root: str, prefixes: tuple[str, ...], kind: str, split: str) -> str:
    """Returns the path of a split's "pairs" or "annotation" file with the first prefix that exists.

    Raises:
      InputError: there is no such file.
    """
    paths = [os.path.join(root, f"{prefix}-{kind}-{split}.csv") for prefix in prefixes]
    for path in paths:
        if os.path.exists(path):
            return path
    raise InputError(f"the data folder has no {' or '.join(map(repr, paths))}")


def read_pairs(path: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yields (line number, (from, to)) of a pair CSV.

    Raises:
      InputError: the file is missing or a line is malformed; the message contains the line number.
    """
    lines = text_lines(decode_text(read_file(path, MAX_CSV_BYTES, "pair file"), path))
    check_pairs_header(lines[0] if lines else "", path)
    for number, line in enumerate(lines[1:], 2):
        if not is_blank(line):
            yield number, parse_pair(line, f"{path!r}, line {number}")


def check_pairs_header(line: str, path: str) -> None:
    """Raises an `InputError` if the first line of a pair CSV is not `from,to`."""
    if not is_header(line, PAIRS_HEADER, ","):
        raise InputError(f"{path!r}, line 1: expected {PAIRS_HEADER!r}, found {line[:60]!r}")


def parse_pair(line: str, where: str) -> tuple[str, str]:
    """Parses a line of a pair CSV to (from, to); the message of an `InputError` starts with `where`."""
    names = tuple(read_cells(line, ",", where))
    if len(names) != 2 or not all(names):
        raise InputError(f"{where}: expected {PAIRS_HEADER!r}, found {line[:60]!r}")
    return names


def check_inside(name: str, where: str) -> None:
    """Raises an `InputError` if an image's name is a path outside the folder of its split, or too long."""
    if len(name) > _LONGEST_NAME:
        raise InputError(f"{where}: a name of {len(name):,} characters, {name[:40]!r}…, is not a file name")
    plain, windows = PurePosixPath(name), PureWindowsPath(name)
    if plain.is_absolute() or windows.anchor or ".." in windows.parts or "\0" in name:
        raise InputError(f"{where}: the image {name!r} is outside the data folder")
