"""Checks of the keypoints: of each row, and of a whole split by statistics of poses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.doctor.frames import judge_axes, judge_frame
from gfla_tf.data.doctor.tables import Tables
from gfla_tf.errors import InputError
from gfla_tf.pose.frame import check_in_frame
from gfla_tf.pose.plausibility import implausibility

_MAX_EMPTY = 0.5  # fraction of rows without keypoints; a larger one is an error
_MAX_ZEROS = 0.01  # fraction of rows with a keypoint at (0, 0); a larger one is an error


def check_poses(tables: Tables, frame: tuple[int, int], faults: FaultList) -> None:
    """Checks a split's keypoints, which must be in pixels of `frame` (H, W)."""
    if not tables.rows:
        return
    names = list(tables.rows)
    points = np.stack([tables.rows[name].keypoints for name in names])  # [N, 18, 2]
    present = (points >= 0).all(-1)  # [N, 18]
    report = _Reporter(tables, names, faults)
    empty = ~present.any(-1)
    many = empty.mean() > _MAX_EMPTY
    report.rows("no-keypoints", empty, many, lambda row: "has no keypoint: all 18 are missing")
    half = (points >= 0).any(-1) & ~present
    report.rows("half-missing", half.any(-1), False, lambda row: _which(half[row], "with one coordinate"))
    fractional = (points != np.rint(points)).any(-1) & present
    report.rows(
        "fractional-keypoints",
        fractional.any(-1),
        False,
        lambda row: _which(fractional[row], "with fractions of a pixel"),
    )
    zeros = (points == 0).all(-1)
    several = zeros.any(-1).mean() > _MAX_ZEROS
    report.rows("zero-keypoints", zeros.any(-1), several, lambda row: _which(zeros[row], "at (0, 0)"))
    judged = points.copy()
    judged[~present | zeros] = -1
    if report.not_in_pixels(points):
        return
    if report.split("swapped-axes", judge_axes(judged, frame)):
        return
    if report.split("wrong-frame", judge_frame(judged, frame)):
        return
    if report.not_in_pixels(points, frame):
        return
    if report.split("implausible-keypoints", implausibility(judged, (judged >= 0).all(-1))):
        return
    outside = present & (points >= frame).any(-1)
    size = f"the frame of {frame[0]} x {frame[1]} (h x w)"
    report.rows("outside-frame", outside.any(-1), False, lambda row: _which(outside[row], f"outside {size}"))


class _Reporter:
    """Adds faults of rows or of a whole annotation file."""

    def __init__(self, tables: Tables, names: list[str], faults: FaultList):
        self.tables, self.names, self.faults = tables, names, faults

    def rows(self, check: str, marked: np.ndarray, is_error: bool, describe: Callable[[int], str]) -> None:
        """Reports each row that is True in `marked` [N], with the message `describe(row)`."""
        add = self.faults.error if is_error else self.faults.warning
        path, split = self.tables.annotation_path, self.tables.split
        for number in np.flatnonzero(marked):
            name = self.names[number]
            line = self.tables.rows[name].line
            sentence = f"{path!r}, line {line}: {name!r} {describe(number)}"
            add(check, sentence, split=split, file=path, line=line, image=name)

    def split(self, check: str, evidence: str | None) -> bool:
        """Reports the whole file if there is evidence; returns whether there is."""
        if evidence is not None:
            path, line = self._start()
            self._file(check, f"{path!r}, from line {line}: {evidence}")
        return evidence is not None

    def not_in_pixels(self, points: np.ndarray, frame: tuple[int, int] | None = None) -> bool:
        """Reports keypoints [N, 18, 2] that are not in pixels, of a frame (H, W) if it is given."""
        try:
            path, line = self._start()
            check_in_frame(points, frame, f"{path!r}, from line {line}", lambda row: repr(self.names[row]))
        except InputError as error:
            self._file("wrong-frame", str(error))
            return True
        return False

    def _start(self) -> tuple[str, int]:
        """The path of the annotation file and the line of its first row."""
        return self.tables.annotation_path, min(row.line for row in self.tables.rows.values())

    def _file(self, check: str, sentence: str) -> None:
        path, line = self._start()
        self.faults.error(check, sentence, split=self.tables.split, file=path, line=line)


def _which(marked: np.ndarray, what: str) -> str:
    """Formats a row's marks [18], such as "has 3 keypoints outside the frame (the first is number 4)"."""
    numbers = np.flatnonzero(marked)
    if len(numbers) == 1:
        return f"has keypoint {numbers[0]} {what}"
    return f"has {len(numbers)} keypoints {what} (the first is number {numbers[0]})"
