"""The frame (H, W) that keypoints are measured in: reading it from JSON, and checks of keypoints in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from gfla_tf.documents import describe
from gfla_tf.errors import InputError
from gfla_tf.pose.plausibility import check_plausible
from gfla_tf.pose.units import check_pixels

MAX_SIDE = 2**20 - 1
"""The largest side of a frame, in pixels."""

_LOG = logging.getLogger("gfla_tf")


def frame_of(entry: dict[str, Any], height: str, width: str, where: str) -> tuple[int, int] | None:
    """Returns (H, W) from two entries of a JSON object; None if neither is given, or both are null.

    Raises:
      InputError: an entry is not a whole number of pixels, or only one of the two is given. The message
        starts with `where`.
    """
    sides = {name: entry.get(name) for name in (height, width)}
    given = [name for name, value in sides.items() if value is not None]
    if not given:
        return None
    if len(given) == 1:
        (missing,) = set(sides) - set(given)
        raise InputError(f"{where} has {given[0]!r} but no {missing!r}: give both or neither")
    return tuple(_side(value, f"{where}: {name!r}") for name, value in sides.items())


def check_size(size: object, name: str) -> tuple[int, int]:
    """Returns the size (H, W) of a frame as two integers.

    Raises:
      ValueError: it is not two whole numbers of pixels; the message starts with `name`.
    """
    if not isinstance(size, tuple | list | np.ndarray) or len(size) != 2:
        raise ValueError(f"{name} must be (height, width) in pixels, got {describe(size)}")
    return tuple(_side(value, name) for value in size)


def check_keypoints(
    points: np.ndarray, frame: tuple[int, int] | None, where: str, row: Callable[[int], str] = "row {}".format
) -> None:
    """Checks that the keypoints of a dataset are in pixels of its frame, and those of their names.

    Args:
      points: [N, 18, 2] (y, x); missing ones have a negative coordinate.
      frame: (H, W), None if unknown.
      where: the file, the prefix of error messages.
      row: describes a row by its index, for error messages.

    Raises:
      InputError: they are in fractions of the image, most of them are outside the frame, or they are
        implausible (`gfla_tf.pose.plausibility`).
    """
    check_in_frame(points, frame, where, row)
    check_plausible(points, (points >= 0).all(-1) & (points != 0).any(-1), where)


def check_in_frame(
    points: np.ndarray, frame: tuple[int, int] | None, where: str, row: Callable[[int], str] = "row {}".format
) -> None:
    """Checks that keypoints are in pixels of their frame; see `check_keypoints`.

    Raises:
      InputError: they are in fractions of the image, or most of them are outside the frame.
    """
    check_pixels(points, where, row)
    if frame is not None:
        present = (points >= 0).all(-1, keepdims=True)
        check_frame(np.where(present, points, -1), frame, where, remedy="scale the keypoints to this frame")


def check_frame(
    points: np.ndarray,
    frame: tuple[int, int],
    what: str,
    maybe_swapped: bool = False,
    remedy: str = "give the size of the image that it was measured in",
) -> None:
    """Checks that most keypoints are inside a frame.

    Args:
      points: [..., 2] (y, x) in pixels; missing ones are (-1, -1).
      frame: (H, W).
      what: the subject of error messages, such as "the pose 'a.json'".
      maybe_swapped: whether the sides may be swapped, as in an option of the user; if so, it is also an error
        if some keypoints are outside and all are inside a frame of swapped sides.
      remedy: the end of error messages.

    Raises:
      InputError: most or all keypoints are outside. The message names the swapped order if they fit that.
    """
    count = int((points != -1).any(-1).sum())
    beyond, swapped = _count_outside(points, frame), _count_outside(points, frame[::-1])
    if not beyond or (2 * beyond <= count and (swapped or not maybe_swapped)):
        return
    how_many = "is entirely" if beyond == count else f"has {beyond} of {count} keypoints"
    hint = f"{_fits(frame)}; " if 4 * swapped <= count else ""
    raise InputError(f"{what} {how_many} outside its frame of {_size(frame)}: {hint}{remedy}")


def keep_inside(
    keypoints: np.ndarray, frame: tuple[int, int], name: str, maybe_swapped: bool = False
) -> np.ndarray:
    """Marks keypoints [18, 2] outside a frame (H, W) as missing and logs a warning with their number.

    Raises:
      InputError: as for `check_frame`, or no keypoint is present.
    """
    check_frame(keypoints, frame, f"the pose {name!r}", maybe_swapped)
    kept = _inside(keypoints, frame)
    if not kept.any():
        raise InputError(f"the pose {name!r} has no keypoint: all are missing")
    beyond = _count_outside(keypoints, frame)
    if beyond:
        hint = "" if _count_outside(keypoints, frame[::-1]) else f": {_fits(frame)}"
        _LOG.warning(
            "%d keypoint(s) of the pose %r are outside its frame of %s%s", beyond, name, _size(frame), hint
        )
    return np.where(kept[:, None], keypoints, np.float32(-1.0))


def _count_outside(points: np.ndarray, frame: tuple[int, int]) -> int:
    """The number of keypoints [..., 2] (y, x) that are outside a frame (H, W) and not missing."""
    return int(((points != -1).any(-1) & ~_inside(points, frame)).sum())


def _inside(points: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    return (points >= 0).all(-1) & (points < np.array(frame, np.float32)).all(-1)


def _size(frame: tuple[int, int]) -> str:
    return f"{frame[0]} x {frame[1]} pixels (h x w)"


def _fits(frame: tuple[int, int]) -> str:
    return f"they fit {frame[1]} x {frame[0]}, so height and width may be swapped"


def _side(value: object, what: str) -> int:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not 0 < value <= MAX_SIDE or value != int(value):
        raise InputError(
            f"{what} must be a whole number of pixels from 1 to {MAX_SIDE:,}, got {describe(value)}"
        )
    return int(value)
