"""The lists that come with a dataset: which images a split has, their keypoints, and the pairs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gfla_tf.data.layout import SPLITS, Layout, check_inside, find_csv, read_pairs
from gfla_tf.data.prepare.source import folders_below
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_file
from gfla_tf.pose.keypoints import MAX_CSV_BYTES, check_annotation_header, decode_text, parse_annotation

_KINDS = ("pairs", "annotation")
_IMAGE_FOLDERS = ("MEN", "WOMEN", "bounding_box_train", "bounding_box_test", "query")


@dataclass(frozen=True)
class SplitLists:
    """What the lists say of one split.

    Attributes:
      names: of its images, in order, each once.
      rows: {name: its keypoints as they stand in the annotation CSV, "[18 y]:[18 x]"}.
      pairs: (from, to), in order.
      pairs_path: of the pair CSV, for sentences.
    """

    names: list[str]
    rows: dict[str, str]
    pairs: list[tuple[str, str]]
    pairs_path: str


def find_lists(layout: Layout, folder) -> str:
    """The folder, `folder` or one up to three below, that holds a dataset's four CSV files.

    Raises:
      InputError: there is none; the sentence names the files.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise InputError(f"the folder of the lists {folder!r} does not exist or is not a folder")
    for path in folders_below(folder, passed_over=_IMAGE_FOLDERS):
        try:
            for split in SPLITS:
                for kind in _KINDS:
                    find_csv(path, layout.prefixes, kind, split)
        except InputError:
            continue
        return path
    names = [f"{layout.prefixes[0]}-{kind}-{split}.csv" for kind in _KINDS for split in SPLITS]
    raise InputError(
        f"{folder!r} does not hold the authors' lists {', '.join(names)} together: put them there, or name "
        "their folder with --lists"
    )


def read_lists(layout: Layout, folder: str, split: str) -> SplitLists:
    """Reads a split's CSV files, and its `.lst` where there is one.

    Without that the split's images are those of the annotation file and of the pairs.

    Raises:
      InputError: a file is malformed, an image is named so that it lies outside its folder, or a pair names
        one without annotation; the sentence names file and line.
    """
    annotation_path = find_csv(folder, layout.prefixes, "annotation", split)
    rows = {}
    for number, line in _lines(annotation_path, "annotation file", check_annotation_header):
        where = f"{annotation_path!r}, line {number}"
        name, _ = parse_annotation(line, where)
        check_inside(name, where)
        if name in rows:
            raise InputError(f"{where}: a second row is named {name!r}")
        rows[name] = line[len(name) + 1 :]
    pairs_path = find_csv(folder, layout.prefixes, "pairs", split)
    list_path = os.path.join(folder, f"{split}.lst")
    listed = _read_names(list_path)
    names = dict.fromkeys(rows if listed is None else listed)
    pairs = []
    for number, pair in read_pairs(pairs_path):
        for name in pair:
            where = f"{pairs_path!r}, line {number}"
            check_inside(name, where)
            if name not in rows:
                raise InputError(f"{where}: the image {name!r} has no row in {annotation_path!r}")
            names[name] = None
        pairs.append(pair)
    if not pairs:
        raise InputError(f"{pairs_path!r} holds no pair")
    if listed is not None and not {name for pair in pairs for name in pair} & set(listed):
        raise InputError(
            f"{list_path!r} names none of the images of {pairs_path!r}: are the two splits' lists swapped?"
        )
    return SplitLists(list(names), rows, pairs, pairs_path)


def _read_names(path: str) -> list[str] | None:
    """The names in a `.lst` file, one a line; None where there is no such file."""
    if not os.path.lexists(path):
        return None
    names = []
    for number, line in _lines(path, "list of images"):
        check_inside(line, f"{path!r}, line {number}")
        names.append(line)
    if not names:
        raise InputError(f"{path!r} is empty: get it again, or remove it to take all annotated images")
    return names


def _lines(path: str, what: str, check_header=None):
    """Yields (number, stripped line) of a text file, without empty lines and the header, if it has one."""
    lines = decode_text(read_file(path, MAX_CSV_BYTES, what), path).splitlines()
    if check_header is not None:
        check_header(lines[0] if lines else "", path)
    for number, line in enumerate(lines, 1):
        if line.strip() and not (number == 1 and check_header is not None):
            yield number, line.strip()
