"""The frame (H, W) that keypoints are measured in: reading it from JSON, and keypoints outside it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from gfla_tf.errors import InputError
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
        raise ValueError(f"{name} must be (height, width) in pixels, got {_short(size)}")
    return tuple(_side(value, name) for value in size)


def check_keypoints(
    points: np.ndarray, frame: tuple[int, int] | None, where: str, row: Callable[[int], str] = "row {}".format
) -> None:
    """Checks that the keypoints of a dataset are in pixels of its frame.

    Args:
      points: [N, 18, 2] (y, x); missing ones have a negative coordinate.
      frame: (H, W), None if unknown.
      where: the file, the prefix of error messages.
      row: describes a row by its index, for error messages.

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
    stated: bool = False,
    remedy: str = "give the size of the image that it was measured in",
) -> None:
    """Checks that most keypoints are inside a frame.

    Args:
      points: [..., 2] (y, x) in pixels; missing ones are (-1, -1).
      frame: (H, W).
      what: the subject of error messages, such as "the pose 'a.json'".
      stated: whether the frame was stated by the user; if so, keypoints outside it that are all inside a
        frame of swapped sides are an error as well.
      remedy: the end of error messages.

    Raises:
      InputError: most or all keypoints are outside. The message names the swapped order if they fit that.
    """
    present = (points != -1).any(-1)
    count, beyond = int(present.sum()), int((present & ~inside(points, frame)).sum())
    swapped = int((present & ~inside(points, frame[::-1])).sum())
    if not beyond or (2 * beyond <= count and (swapped or not stated)):
        return
    size = f"its frame of {frame[0]} x {frame[1]} pixels (h x w)"
    is_are = "is entirely" if beyond == count else f"has {beyond} of {count} keypoints"
    fits = f"they fit {frame[1]} x {frame[0]}, so height and width may be swapped; "
    raise InputError(f"{what} {is_are} outside {size}: {fits if 4 * swapped <= count else ''}{remedy}")


def keep_inside(keypoints: np.ndarray, frame: tuple[int, int], name: str, stated: bool = False) -> np.ndarray:
    """Marks keypoints [18, 2] outside a frame (H, W) as missing and logs a warning with their number.

    Raises:
      InputError: as for `check_frame`, or no keypoint is present.
    """
    check_frame(keypoints, frame, f"the pose {name!r}", stated)
    kept = inside(keypoints, frame)
    if not kept.any():
        raise InputError(f"the pose {name!r} has no keypoint: all are missing")
    outside = int(((keypoints != -1).any(-1) & ~kept).sum())
    if outside:
        _LOG.warning(
            "%d keypoint(s) of the pose %r are outside its frame of %d x %d pixels (h x w)",
            *(outside, name, *frame),
        )
    return np.where(kept[:, None], keypoints, np.float32(-1.0))


def inside(points: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Whether keypoints [..., 2] (y, x) are inside a frame (H, W): bool [...]."""
    return (points >= 0).all(-1) & (points < np.array(frame, np.float32)).all(-1)


def _side(value: object, what: str) -> int:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not 0 < value <= MAX_SIDE or value != int(value):
        raise InputError(
            f"{what} must be a whole number of pixels from 1 to {MAX_SIDE:,}, got {_short(value)}"
        )
    return int(value)


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 2**64:
        return f"a number of {value.bit_length()} bits"
    return f"a {type(value).__name__} of {len(value)}" if isinstance(value, list | dict) else repr(value)[:40]
