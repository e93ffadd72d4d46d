"""The 18 keypoints, and the authors' annotation CSVs with one pose per image.

Keypoints are float32 [18, 2] (y, x) in pixels of the pose's frame, in the order of `KEYPOINTS`; a missing one
is (-1, -1). `gfla_tf.pose.formats` reads and writes the other formats of pose files.
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from gfla_tf.csv_text import format_cells, is_blank, is_header, read_cells, text_lines
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.images.io import read_file
from gfla_tf.pose.frame import check_keypoints
from gfla_tf.pose.skeletons import COCO_18

KEYPOINTS = COCO_18
"""The names of the 18 keypoints in order (OpenPose's COCO-18). Left and right are the person's."""

NUM_KEYPOINTS = len(KEYPOINTS)
MAX_CSV_BYTES = 512 * 2**20
ANNOTATION_HEADER = "name:keypoints_y:keypoints_x"

FRAMES_OF_ANNOTATIONS = {"fasion-": (256, 176), "fashion-": (256, 176), "market-": (128, 64)}
"""(H, W) of the frame of the authors' annotation files, by the prefix of their names."""


def frame_of_annotations(path: PathLike) -> tuple[int, int] | None:
    """Returns (H, W) of an annotation CSV's frame if its name has a known prefix, otherwise None."""
    start = os.path.basename(os.fspath(path)).lower()
    frames = [frame for prefix, frame in FRAMES_OF_ANNOTATIONS.items() if start.startswith(prefix)]
    return frames[0] if frames else None


def read_annotations(path: PathLike, frame: tuple[int, int] | None = None) -> dict[str, np.ndarray]:
    """Reads an annotation CSV with the header `name:keypoints_y:keypoints_x` and JSON lists of 18 numbers.

    Args:
      path: the file.
      frame: (H, W) of the keypoints' frame; by default that of the authors' file names.

    Returns:
      {name: float32 [18, 2] (y, x) in pixels} in the file's order; missing keypoints are (-1, -1).

    Raises:
      InputError: the file is missing or a line is malformed, with the line number in the message; or the file
        as a whole is not in pixels of its frame, or not in the order of `KEYPOINTS`.
    """
    rows = parse_annotations(path)
    check_annotations(rows, os.fspath(path), frame or frame_of_annotations(path))
    return {name: without_negative(keypoints) for name, keypoints in rows.items()}


def parse_annotations(path: PathLike) -> dict[str, np.ndarray]:
    """Reads an annotation CSV as `read_annotations` does, but returns its numbers unchanged, in any units."""
    path = os.fspath(path)
    text = decode_text(read_file(path, MAX_CSV_BYTES, "annotation file"), path)
    lines = text_lines(text)
    check_annotation_header(lines[0] if lines else "", path)
    rows: dict[str, np.ndarray] = {}
    for number, line in enumerate(lines[1:], 2):
        if is_blank(line):
            continue
        name, keypoints = parse_annotation(line, f"{path!r}, line {number}")
        if name in rows:
            raise InputError(f"{path!r}, line {number}: the name {name!r} occurs twice")
        rows[name] = keypoints
    return rows


def check_annotations(rows: dict[str, np.ndarray], path: str, frame: tuple[int, int] | None) -> None:
    """Checks that the keypoints of an annotation file, {name: [18, 2]}, are in pixels of a frame (H, W).

    Raises:
      InputError: they are in fractions of the image, most of the file's keypoints are outside the frame, or
        they are not those of their names (`gfla_tf.pose.plausibility`).
    """
    if rows:
        names = list(rows)
        points = np.stack(list(rows.values()))
        check_keypoints(points, frame, repr(path), lambda index: f"the row {names[index]!r}")


def without_negative(keypoints: np.ndarray) -> np.ndarray:
    """Marks keypoints [..., 2] with a negative coordinate as missing, (-1, -1)."""
    return np.where((keypoints >= 0).all(-1, keepdims=True), keypoints, np.float32(-1.0))


def check_annotation_header(line: str, path: str) -> None:
    """Raises `InputError` if the first line of an annotation CSV is not its header."""
    if not is_header(line, ANNOTATION_HEADER, ":"):
        raise InputError(f"{path!r}, line 1: expected {ANNOTATION_HEADER!r}, found {line[:60]!r}")


def decode_text(data: bytes, path: str) -> str:
    """Decodes UTF-8, with or without a byte-order mark; raises an `InputError` that contains the path."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path!r} is not a text file: byte {error.start} is not UTF-8") from error


def parse_annotation(line: str, where: str) -> tuple[str, np.ndarray]:
    """Parses a row of an annotation CSV.

    Args:
      line: the row.
      where: file and line number, the prefix of error messages.

    Returns:
      The name, and the numbers as float32 [18, 2] (y, x).

    Raises:
      InputError: the row is malformed.
    """
    name, *cells = split_annotation(line, where)
    return name, parse_columns(cells, where)


def parse_columns(cells: list[str], where: str) -> np.ndarray:
    """Parses the two lists of a row, as `split_annotation` returns them, to float32 [18, 2] (y, x).

    Raises:
      InputError: they are not JSON lists of 18 numbers; the message starts with `where`.
    """
    columns = []
    for axis, text in zip(("keypoints_y", "keypoints_x"), cells, strict=True):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: {axis} is not a JSON list, found {text[:60]!r}") from error
        if not isinstance(values, list) or len(values) != NUM_KEYPOINTS:
            count = f"{len(values)} values" if isinstance(values, list) else f"{text[:60]!r}"
            raise InputError(f"{where}: {axis} must contain {NUM_KEYPOINTS} numbers, found {count}")
        columns.append(check_numbers(values, f"{where}: {axis}"))
    return np.stack(columns, -1)


def split_annotation(line: str, where: str) -> tuple[str, str, str]:
    """Splits a row of an annotation CSV to its name and two lists; a name without quotes may contain ':'.

    Raises:
      InputError: the row has no three cells; the message starts with `where`.
    """
    cells = (
        read_cells(line, ":", where) if '"' in line else [cell.strip(" \t") for cell in line.rsplit(":", 2)]
    )
    if len(cells) != 3 or not cells[0]:
        raise InputError(f"{where}: expected 'name:[18 y]:[18 x]' separated by ':', found {line[:60]!r}")
    return cells[0], cells[1], cells[2]


def format_annotation(name: str, keypoints: np.ndarray) -> str:
    """Formats a row of an annotation CSV: keypoints [18, 2] (y, x) rounded to whole pixels, missing ones -1.

    Negative positions cannot be represented; they are written as missing.

    Raises:
      InputError: the name contains a line break.
    """
    if not name or "\n" in name or "\r" in name:
        raise InputError(f"the image name {name!r} cannot be written to an annotation file: rename the image")
    rounded = np.floor(np.asarray(keypoints, np.float64) + 0.5).astype(int)
    rounded = np.where((rounded >= 0).all(-1, keepdims=True), rounded, -1)
    cell = format_cells([name], ":")
    return f"{cell}:{json.dumps(rounded[:, 0].tolist())}:{json.dumps(rounded[:, 1].tolist())}"


def check_numbers(values: list[Any], where: str) -> np.ndarray:
    """Converts a list from a JSON file to float32 [n], each value a pixel position (finite, below a million).

    Raises:
      InputError: a value is not a number or too large; the message starts with `where`.
    """
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float):
            shown = repr(value[:40]) if isinstance(value, str) else f"a {type(value).__name__}"
            raise InputError(f"{where} contains {shown} at position {index}: expected a number")
        if not abs(value) < 1e6:
            raise InputError(
                f"{where} contains {str(value)[:40]} at position {index}: expected a pixel position"
            )
    return np.asarray(values, np.float32)
