"""Poses as people have them: OpenPose's JSON files, and rows of the authors' annotation CSVs.

Keypoints are float32 [18, 2] (y, x) in pixels of the pose's own frame, in OpenPose's COCO-18 order (nose,
neck, R shoulder, R elbow, R wrist, L shoulder, L elbow, L wrist, R hip, R knee, R ankle, L hip, L knee,
L ankle, R eye, L eye, R ear, L ear); a missing one is (-1, -1).
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass

import numpy as np

from gfla_tf.data.images import read_file
from gfla_tf.errors import InputError

NUM_KEYPOINTS = 18
MAX_JSON_BYTES = 16 * 2**20
MAX_CSV_BYTES = 512 * 2**20
MIN_CONFIDENCE = 0.05
ANNOTATION_HEADER = "name:keypoints_y:keypoints_x"
BODY_25_TO_COCO_18 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
"""For each COCO-18 keypoint its number in OpenPose's BODY_25 (which adds the middle hip and the feet)."""

FRAMES_OF_ANNOTATIONS = {"fasion-": (256, 176), "fashion-": (256, 176), "market-": (128, 64)}
"""(H, W) of the frame that the authors' annotation files use, by the start of their names."""

_LOG = logging.getLogger("gfla_tf")


@dataclass(frozen=True)
class Pose:
    """A pose and where it comes from.

    `keypoints` is float32 [18, 2] (y, x), some perhaps outside the frame (`keep_inside` drops these);
    `frame` is (H, W) in pixels where the file tells it.
    """

    keypoints: np.ndarray
    frame: tuple[int, int] | None
    name: str


def read_pose(spec, person: int | None = None, min_confidence: float = MIN_CONFIDENCE) -> Pose:
    """Reads a pose from an OpenPose JSON file or from a row of an annotation CSV.

    Args:
      spec: `pose.json` (OpenPose's output, COCO-18 or BODY_25) or `annotation.csv#NAME` (its row NAME).
      person: which of a JSON file's people; None: the one that was found with the greatest total confidence.
      min_confidence: a keypoint of lower confidence is missing.

    Raises:
      InputError: the file is missing, too large or malformed, holds no person or not that one, the keypoints'
        number is not 18 or 25, one is not a finite number, or all are missing.
    """
    spec = os.fspath(spec)
    path, mark, row = spec.rpartition("#")
    if mark and path.lower().endswith(".csv"):
        return _read_row(path, row)
    if spec.lower().endswith(".csv"):
        raise InputError(f"the pose {spec!r} is a CSV file: say which row with {spec + '#NAME'!r}")
    return _read_openpose(spec, person, min_confidence)


def read_annotations(path) -> dict[str, np.ndarray]:
    """Reads an annotation CSV: header `name:keypoints_y:keypoints_x`, each list JSON of 18 numbers.

    Returns:
      {name: float32 [18, 2] (y, x)}, missing ones (-1, -1), in the file's order.

    Raises:
      InputError: the file is missing or a line is malformed; the sentence names the line.
    """
    path = os.fspath(path)
    text = decode_text(read_file(path, MAX_CSV_BYTES, "annotation file"), path)
    lines = text.splitlines()
    check_annotation_header(lines[0] if lines else "", path)
    rows: dict[str, np.ndarray] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        name, keypoints = parse_annotation(line, f"{path!r}, line {number}")
        if name in rows:
            raise InputError(f"{path!r}, line {number}: a second row is named {name!r}")
        rows[name] = np.where((keypoints >= 0).all(-1, keepdims=True), keypoints, np.float32(-1.0))
    return rows


def check_annotation_header(line: str, path: str) -> None:
    """Raises `InputError` where the first line of an annotation CSV is not its header."""
    if line.strip() != ANNOTATION_HEADER:
        raise InputError(f"{path!r}, line 1: expected {ANNOTATION_HEADER!r}, found {line[:60]!r}")


def decode_text(data: bytes, path: str) -> str:
    """UTF-8 text, with or without a byte-order mark, or an `InputError` that names the file."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path!r} is not a text file: byte {error.start} is not UTF-8") from error


def keep_inside(keypoints: np.ndarray, frame: tuple[int, int], name: str) -> np.ndarray:
    """Marks the keypoints [18, 2] outside a frame (H, W) as missing, and logs a warning that says how many.

    Raises:
      InputError: none is left.
    """
    present = (keypoints != -1).any(-1)
    inside = (keypoints >= 0).all(-1) & (keypoints < np.array(frame, np.float32)).all(-1)
    outside = int((present & ~inside).sum())
    size = f"{frame[1]} x {frame[0]} pixels"
    if not inside.any():
        raise InputError(f"the pose {name!r} lies wholly outside its frame of {size}: give its image size")
    if outside:
        _LOG.warning("%d keypoint(s) of the pose %r lie outside its frame of %s", outside, name, size)
    return np.where(inside[:, None], keypoints, np.float32(-1.0))


def _read_row(path: str, row: str) -> Pose:
    rows = read_annotations(path)
    if row not in rows:
        raise InputError(f"the annotation file {path!r} has no row named {row!r} (it has {len(rows)} rows)")
    keypoints, name = rows[row], f"{path}#{row}"
    if not (keypoints >= 0).any():
        raise InputError(f"the pose {name!r} has no keypoint: all 18 are missing")
    start = os.path.basename(path).lower()
    frames = [frame for prefix, frame in FRAMES_OF_ANNOTATIONS.items() if start.startswith(prefix)]
    return Pose(keypoints, frames[0] if frames else None, name)


def parse_annotation(line: str, where: str) -> tuple[str, np.ndarray]:
    """The name and the numbers, float32 [18, 2] (y, x) as they stand there, of a row of an annotation CSV.

    `where` starts the sentence of the `InputError` that a malformed row raises.
    """
    parts = line.strip().rsplit(":", 2)
    if len(parts) != 3 or not parts[0]:
        raise InputError(f"{where}: expected 'name:[18 y]:[18 x]' separated by ':', found {line[:60]!r}")
    columns = []
    for axis, text in zip(("keypoints_y", "keypoints_x"), parts[1:], strict=True):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: {axis} is not a JSON list, found {text[:60]!r}") from error
        if not isinstance(values, list) or len(values) != NUM_KEYPOINTS:
            count = f"{len(values)} values" if isinstance(values, list) else f"{text[:60]!r}"
            raise InputError(f"{where}: {axis} must hold {NUM_KEYPOINTS} numbers, found {count}")
        columns.append(_numbers(values, f"{where}: {axis}"))
    return parts[0], np.stack(columns, -1)


def _read_openpose(path: str, person: int | None, min_confidence: float) -> Pose:
    text = decode_text(read_file(path, MAX_JSON_BYTES, "pose"), path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        at = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"the pose {path!r} is not a JSON file{at}: give OpenPose's output") from error
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, list):
        raise InputError(f"the pose {path!r} has no list 'people': give OpenPose's JSON output")
    if not people:
        raise InputError(f"the pose {path!r} holds no person: 'people' is empty")
    if person is not None and not 0 <= person < len(people):
        raise InputError(f"the pose {path!r} has no person {person}: it holds {len(people)}, counted from 0")
    chosen = range(len(people)) if person is None else [person]
    found = [_keypoints_of(people[index], f"the pose {path!r}, person {index}") for index in chosen]
    points = max(found, key=lambda rows: float(np.sum(rows[:, 2])))
    if len(found) > 1:
        _LOG.warning("the pose %r holds %d people: the most confident one is used", path, len(found))
    seen = (points[:, 2] >= min_confidence) & (points[:, :2] != 0).any(-1)
    if not seen.any():
        raise InputError(f"the pose {path!r} has no keypoint with a confidence of {min_confidence} or more")
    if seen.sum() > 1 and (np.abs(points[seen, :2]) <= 1.0).all():
        raise InputError(f"the pose {path!r} is in fractions of the image: it must be in pixels")
    keypoints = np.where(seen[:, None], points[:, 1::-1], np.float32(-1.0))
    return Pose(keypoints.astype(np.float32), _canvas_of(document), path)


def _keypoints_of(person, where: str) -> np.ndarray:
    """One person's (x, y, confidence) as float32 [18, 3]; BODY_25 is mapped to COCO-18."""
    values = None
    if isinstance(person, dict):
        values = person.get("pose_keypoints_2d", person.get("pose_keypoints"))
    if not isinstance(values, list):
        raise InputError(f"{where} has no list 'pose_keypoints_2d'")
    points = _numbers(values, f"{where}: pose_keypoints_2d")
    if points.size == 75:
        return points.reshape(25, 3)[list(BODY_25_TO_COCO_18)]
    if points.size == 54:
        return points.reshape(18, 3)
    number = f"{points.size // 3} keypoints" if points.size % 3 == 0 else f"{points.size} numbers"
    raise InputError(f"{where} has {number}: expected 18 (COCO) or 25 (BODY_25), 3 numbers each")


def _canvas_of(document: dict) -> tuple[int, int] | None:
    """(H, W) of the frame where the file tells it, as pose editors do (`canvas_height`, `canvas_width`)."""
    size = document.get("canvas_height"), document.get("canvas_width")
    if all(isinstance(side, int) and 0 < side < 2**20 for side in size):
        return size
    return None


def _numbers(values: list, where: str) -> np.ndarray:
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{where} holds {str(value)[:40]!r} at position {index}: expected a number")
        if not abs(value) < 1e6:
            raise InputError(
                f"{where} holds {str(value)[:40]} at position {index}: expected a pixel position"
            )
    return np.asarray(values, np.float32)
