"""Reading of a split's two CSV files, with collection of all faults."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gfla_tf.csv_text import is_blank, text_lines
from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.layout import PAIRS_HEADER, Layout, check_pairs_header, parse_pair
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_file
from gfla_tf.pose.keypoints import (
    ANNOTATION_HEADER,
    MAX_CSV_BYTES,
    check_annotation_header,
    decode_text,
    parse_annotation,
)

_KINDS = {
    "pairs": (PAIRS_HEADER, ",", check_pairs_header),
    "annotation": (ANNOTATION_HEADER, ":", check_annotation_header),
}
_SEPARATORS = {":": "':'", ",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}
_WIDE = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


@dataclass(frozen=True)
class Row:
    """A row of an annotation file: its line number and its values [18, 2] (y, x)."""

    line: int
    keypoints: np.ndarray


@dataclass(frozen=True)
class Pair:
    """A line of a pair file: its line number and the names of its images."""

    line: int
    source: str
    target: str


@dataclass
class Tables:
    """The contents of a split's CSV files.

    Attributes:
      split: "train" or "test".
      annotation_path, pairs_path: the paths of the files; None if a file is missing or not a table.
      rows: the rows of the annotation file by name.
      pairs: the lines of the pair file.
      malformed: {name: line number} of rows that cannot be read.
      used: the names that occur in pairs.
    """

    split: str
    annotation_path: str | None = None
    pairs_path: str | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    malformed: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def read_tables(root: str, layout: Layout, split: str, faults: FaultList) -> Tables:
    """Reads `<prefix>-annotation-<split>.csv` and `<prefix>-pairs-<split>.csv`."""
    tables = Tables(split)
    tables.annotation_path, lines = _read_lines(root, layout, "annotation", split, faults)
    for number, line in lines:
        where = {"split": split, "file": tables.annotation_path, "line": number}
        try:
            name, keypoints = parse_annotation(line, f"{tables.annotation_path!r}, line {number}")
        except InputError as error:
            faults.error("malformed-line", str(error), **where)
            tables.malformed.setdefault(line.partition(":")[0].strip(' \t"'), number)
            continue
        if name in tables.rows:
            first = tables.rows[name].line
            sentence = f"{tables.annotation_path!r}, line {number}: the name {name!r} occurs twice"
            faults.error("duplicate-name", f"{sentence} (first in line {first})", image=name, **where)
            continue
        tables.rows[name] = Row(number, keypoints)
    tables.pairs_path, lines = _read_lines(root, layout, "pairs", split, faults)
    for number, line in lines:
        try:
            tables.pairs.append(Pair(number, *parse_pair(line, f"{tables.pairs_path!r}, line {number}")))
        except InputError as error:
            faults.error("malformed-line", str(error), split=split, file=tables.pairs_path, line=number)
    tables.used.update(name for pair in tables.pairs for name in (pair.source, pair.target))
    return tables


def _read_lines(
    root: str, layout: Layout, kind: str, split: str, faults: FaultList
) -> tuple[str | None, list[tuple[int, str]]]:
    """Returns a CSV's path, None if it is not usable, and its lines (number, text) after the header."""
    paths = [os.path.join(root, f"{prefix}-{kind}-{split}.csv") for prefix in layout.prefixes]
    existing = [path for path in paths if os.path.lexists(path)]
    if not existing:
        names = " or ".join(map(repr, paths))
        faults.error("missing-file", f"there is no {names}", split=split, file=paths[0])
        return None, []
    path = existing[0]
    where = {"split": split, "file": path}
    if len(existing) > 1:
        faults.warning("two-spellings", f"{path!r} is read, but {existing[1]!r} is not", **where)
    text = _read_text(path, kind, where, faults)
    if text is None:
        return None, []
    lines = text_lines(text)
    expected, separator, check = _KINDS[kind]
    head = lines[0] if lines else ""
    try:
        check(head, path)
    except InputError as error:
        found = _other_separator(head, expected, separator)
        if found is not None:
            sentence = f"{path!r}, line 1: separated by {_SEPARATORS[found]} instead of '{separator}'"
            faults.error("wrong-separator", f"{sentence}: {head[:60]!r}", line=1, **where)
            return None, []
        faults.error("wrong-header", f"{error}{_hint(head, expected, separator)}", line=1, **where)
        if _looks_like_header(head, expected):
            return None, []
        return path, _filled(enumerate(lines, 1))
    return path, _filled(enumerate(lines[1:], 2))


def _read_text(path: str, kind: str, where: dict[str, Any], faults: FaultList) -> str | None:
    try:
        data = read_file(path, MAX_CSV_BYTES, "pair file" if kind == "pairs" else "annotation file")
        wide = next((name for mark, name in _WIDE.items() if data.startswith(mark)), None)
        if wide is not None:
            faults.error("encoding", f"{path!r}, line 1: the file is {wide}, not UTF-8", line=1, **where)
            return None
        text = decode_text(data, path)
    except InputError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            line = data.count(b"\n", 0, error.__cause__.start) + 1
            faults.error("encoding", f"{error} (line {line})", line=line, **where)
        else:
            faults.error("missing-file", str(error), **where)
        return None
    if data.startswith(codecs.BOM_UTF8):
        sentence = f"{path!r}, line 1: starts with a byte-order mark, which other programs may not accept"
        faults.warning("encoding", sentence, line=1, **where)
    return text


def _filled(numbered: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(number, line) for number, line in numbered if not is_blank(line)]


def _other_separator(head: str, expected: str, separator: str) -> str | None:
    """Returns the separator with which the header would be correct, if any."""
    names = expected.split(separator)
    for other in _SEPARATORS:
        if other != separator and [part.strip().strip('"') for part in head.split(other)] == names:
            return other
    return None


def _looks_like_header(head: str, expected: str) -> bool:
    """Whether the line is a header, rather than the first row of a file without one."""
    words = {word.strip().strip('"') for word in re.split(r"[:,;|\t]", head)}
    return not head.strip() or bool(words & set(re.split("[:,]", expected)))


def _hint(head: str, expected: str, separator: str) -> str:
    """Returns a probable cause of a wrong header, for messages."""
    if not head.strip():
        return " (the file is empty or starts with an empty line)"
    if not _looks_like_header(head, expected):
        return " (the header is missing)"
    parts = [part.strip() for part in head.split(separator)]
    if parts[0] == "" and parts[1:] == expected.split(separator):
        return " (the first column contains row numbers: write the table without its index)"
    if sorted(parts) == sorted(expected.split(separator)):
        return " (the columns are in another order)"
    return ""
