"""The authors' lists of a dataset: the images of each split, their keypoints, and the pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gfla_tf.csv_text import is_blank, text_lines
from gfla_tf.data.layout import SPLITS, Layout, check_inside, find_csv, read_pairs
from gfla_tf.data.prepare.source import folders_below
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.files.names import other_file, other_spelling
from gfla_tf.images.io import read_file
from gfla_tf.pose.keypoints import (
    MAX_CSV_BYTES,
    check_annotation_header,
    check_annotations,
    decode_text,
    parse_columns,
    split_annotation,
)

_KINDS = ("pairs", "annotation")
_IMAGE_FOLDERS = ("MEN", "WOMEN", "bounding_box_train", "bounding_box_test", "query")


@dataclass(frozen=True)
class SplitLists:
    """The lists of one split.

    Attributes:
      names: the distinct names of its images, in order.
      rows: {name: keypoints as in the annotation CSV, "[18 y]:[18 x]"}.
      pairs: (from, to), in order.
      pairs_path: the path of the pair CSV, for messages.
    """

    names: list[str]
    rows: dict[str, str]
    pairs: list[tuple[str, str]]
    pairs_path: str


def find_lists(layout: Layout, folder: PathLike) -> str:
    """Finds the folder with a dataset's four CSV files, up to three levels below `folder`.

    Raises:
      InputError: there is no such folder.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        hint = other_file(folder)
        raise InputError(f"the folder of the lists {folder!r} does not exist or is not a folder{hint}")
    for path in folders_below(folder, skip=_IMAGE_FOLDERS):
        try:
            for split in SPLITS:
                for kind in _KINDS:
                    find_csv(path, layout.prefixes, kind, split)
        except InputError:
            continue
        return path
    names = [f"{layout.prefixes[0]}-{kind}-{split}.csv" for kind in _KINDS for split in SPLITS]
    raise InputError(
        f"{folder!r} does not contain the authors' lists {', '.join(names)} in one folder: put them there, "
        "or pass their folder with --lists"
    )


def read_lists(layout: Layout, folder: str, split: str) -> SplitLists:
    """Reads a split's CSV files, and its `.lst` file if it exists.

    Without a `.lst` file, the split's images are those of the annotation file and of the pairs.

    Raises:
      InputError: a file is malformed, an image's name is a path outside its folder, or a pair contains an
        image without annotation, with file and line in the message; or the annotations are not in pixels of
        the layout's frame.
    """
    annotation_path = find_csv(folder, layout.prefixes, "annotation", split)
    rows, keypoints = {}, {}
    for number, line in _lines(annotation_path, "annotation file", check_annotation_header):
        where = f"{annotation_path!r}, line {number}"
        name, *columns = split_annotation(line, where)
        keypoints[name] = parse_columns(columns, where)
        check_inside(name, where)
        if name in rows:
            raise InputError(f"{where}: the name {name!r} occurs twice")
        rows[name] = ":".join(columns)
    check_annotations(keypoints, annotation_path, layout.frame)
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
                raise InputError(
                    f"{where}: the image {name!r} has no row in {annotation_path!r}"
                    f"{other_spelling(name, rows)}"
                )
            names[name] = None
        pairs.append(pair)
    if not pairs:
        raise InputError(f"{pairs_path!r} contains no pair")
    if listed is not None and not {name for pair in pairs for name in pair} & set(listed):
        raise InputError(
            f"{list_path!r} contains none of the images of {pairs_path!r}: are the two splits' lists swapped?"
        )
    return SplitLists(list(names), rows, pairs, pairs_path)


def _read_names(path: str) -> list[str] | None:
    """Reads the names in a `.lst` file, one per line; None if the file does not exist."""
    if not os.path.lexists(path):
        return None
    names = []
    for number, line in _lines(path, "list of images"):
        check_inside(line, f"{path!r}, line {number}")
        names.append(line)
    if not names:
        raise InputError(f"{path!r} is empty: download it again, or remove it to use all annotated images")
    return names


def _lines(
    path: str, what: str, check_header: Callable[[str, str], None] | None = None
) -> Iterator[tuple[int, str]]:
    """Yields (line number, line) of a text file, without outer blanks, empty lines and the header, if any."""
    lines = text_lines(decode_text(read_file(path, MAX_CSV_BYTES, what), path))
    if check_header is not None:
        check_header(lines[0] if lines else "", path)
    for number, line in enumerate(lines, 1):
        if not is_blank(line) and not (number == 1 and check_header is not None):
            yield number, line.strip(" \t")
