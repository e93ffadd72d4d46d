"""The units of a file's keypoints: pixels, or fractions of the image from 0 to 1 or from -1 to 1.

The bulk of the values decides, never a single one. A person in pixels is larger than the first two pixels of
the image, and a person in fractions is within them, except for joints beyond the border. Of fractions, few
are negative if they are counted from a corner of the image, and most keypoints have a negative coordinate if
they are counted from its center.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import numpy as np

from gfla_tf.errors import InputError

NEAR = 2.0
"""A coordinate of at most this many pixels is implausible for most keypoints of a person."""
MOST, FEW = 0.5, 0.25
"""Fractions of the keypoints: more than `MOST` decide, up to `FEW` are exceptions."""

_FEW_NEGATIVE = (
    0.125  # up to this fraction, negative ones are joints beyond the border of an image from 0 to 1
)
_MIN_KEYPOINTS = 4  # fewer of a person do not contradict the others of its file


class Units(enum.Enum):
    """The units of keypoints; the value describes them in messages."""

    PIXELS = "pixels"
    FRACTIONS = "fractions of the image from 0 to 1"
    CENTERED = "fractions of the image from -1 to 1"

    def to_pixels(self, points: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
        """Converts keypoints [..., 2] (y, x) to pixels of a frame (H, W): y' = y H, or (y + 1) H / 2.

        Missing keypoints stay (-1, -1).
        """
        if self is Units.PIXELS:
            return points
        fractions = points if self is Units.FRACTIONS else (points + 1) / 2
        found = (points != -1).any(-1, keepdims=True)
        return np.where(found, fractions * np.array(frame, np.float32), points).astype(np.float32)


def find_units(points: np.ndarray, where: str, row: Callable[[int], str] = "row {}".format) -> Units:
    """Determines the units of keypoints, which are those of all people of one file.

    Args:
      points: [N, K, 2] (y, x), one row per person. Missing keypoints are (-1, -1); those at (0, 0), which
        many programs write for missing ones, are not considered either.
      where: the file, the prefix of error messages.
      row: describes a row by its index, for error messages.

    Returns:
      The units; pixels if there is no evidence.

    Raises:
      InputError: some keypoints are in pixels and others in fractions, all are whole numbers within the first
        two pixels, or it is not clear from where fractions are counted.
    """
    points = np.asarray(points, np.float32)
    judged = (points != -1).any(-1) & (points != 0).any(-1)  # [N, K]
    near = judged & (np.abs(points) <= NEAR).all(-1)
    total, small = int(judged.sum()), int(near.sum())
    if small <= FEW * total or small == 1 < total:
        _check_rows(near, judged, where, row)
        return Units.PIXELS
    if small <= MOST * total:
        raise InputError(
            f"{where}: {small} of {total} keypoints are in fractions of the image and the others in pixels: "
            "give all of them in pixels"
        )
    values = points[near]  # [small, 2]
    if (values == np.rint(values)).all():
        if total == 1:
            return Units.PIXELS
        raise InputError(
            f"{where}: {small} of {total} keypoints are whole numbers within the first two pixels: give "
            "keypoints in pixels, or fractions of the image that are not rounded"
        )
    _check_rows(judged & ~near, judged, where, row)
    negative = float((values < 0).any(-1).mean())
    if _FEW_NEGATIVE < negative < MOST:
        raise InputError(
            f"{where}: the keypoints are in fractions of the image, {negative:.0%} of them with a negative "
            "coordinate, so it is not clear whether they are from 0 to 1 or from -1 to 1: give them in pixels"
        )
    return Units.FRACTIONS if negative <= _FEW_NEGATIVE else Units.CENTERED


def check_pixels(points: np.ndarray, where: str, row: Callable[[int], str] = "row {}".format) -> None:
    """Raises an `InputError` if keypoints are not in pixels; the arguments are those of `find_units`."""
    units = find_units(points, where, row)
    if units is not Units.PIXELS:
        raise InputError(
            f"{where}: the keypoints are in {units.value}: convert them to pixels, y times the height and x "
            "times the width"
            if units is Units.FRACTIONS
            else f"{where}: the keypoints are in {units.value}: convert them to pixels"
        )


def _check_rows(other: np.ndarray, judged: np.ndarray, where: str, row: Callable[[int], str]) -> None:
    """Raises an `InputError` if most of a row's judged keypoints [N, K] are marked in `other`."""
    odd = (other.sum(-1) >= _MIN_KEYPOINTS) & (other.sum(-1) > MOST * judged.sum(-1))
    if odd.any():
        index = int(np.argmax(odd))
        raise InputError(
            f"{where}: {row(index)} and the others are in different units, pixels and fractions of the "
            "image: give all of them in pixels"
        )
