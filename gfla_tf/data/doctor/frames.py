"""Detection of the frame in which a split's keypoints were measured.

It relies on two properties of photographs of one person: people are in the center of the image, and the hips
are below the neck. Medians over all rows make both robust to outliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_NECK, _HIPS = 1, (8, 11)
_MIN_ROWS = 4
_OFF_CENTER = 0.1
"""Fraction of the frame's width: a larger distance of the median from the center is significant."""
_NEAR_CENTER = 0.06
_SHORT, _TALL = 0.4, 1.02
"""Range of the median person's lowest keypoint, in fractions of the frame's height."""

_KNOWN = {
    (256, 176): "the authors' DeepFashion frame",
    (256, 256): "the frame of images resized or padded to a square",
    (128, 64): "Market-1501's frame",
    (256, 128): "twice Market-1501's frame",
    (1101, 750): "the frame of the full-size img_highres photographs",
    (256, 121): "256 x 256 pixels scaled to 256 x 176 twice",
}


@dataclass(frozen=True)
class _Statistics:
    """Medians over rows of the people's mean x and lowest y, and the largest y and x."""

    rows: int
    center: float
    lowest: float
    largest: tuple[float, float]

    def fits(self, frame: tuple[int, int], tolerance: float) -> bool:
        height, width = frame
        central = abs(self.center / width - 0.5) <= tolerance
        return central and _SHORT * height <= self.lowest <= _TALL * height


def judge_frame(keypoints: np.ndarray, frame: tuple[int, int]) -> str | None:
    """Checks whether keypoints [N, 18, 2] (y, x) were measured in another frame than (H, W).

    Negative keypoints are missing.

    Returns:
      None if they match `frame`, or match no other known frame better; otherwise the evidence, for messages.
    """
    found = _statistics(keypoints)
    if found is None:
        return None
    if found.fits(frame, _OFF_CENTER):
        return None
    others = [other for other in _KNOWN if other != tuple(frame) and found.fits(other, _NEAR_CENTER)]
    if not others:
        return None
    best = min(others, key=lambda other: abs(found.center / other[1] - 0.5))
    beyond = _beyond(keypoints, frame)
    return (
        f"the keypoints are in pixels of {_size(best)}, {_KNOWN[best]}, not of {_size(frame)}: the median "
        f"person of {found.rows} rows is centered at x = {found.center:.0f} and reaches down to y = "
        f"{found.lowest:.0f}{beyond}"
    )


def judge_axes(keypoints: np.ndarray, frame: tuple[int, int]) -> str | None:
    """Checks whether y and x of keypoints [N, 18, 2] (y, x) were swapped: people are then horizontal.

    Returns:
      None, or the evidence, for messages.
    """
    present = (keypoints >= 0).all(-1)
    hips = present[:, _HIPS]  # [N, 2]
    middle = (keypoints[:, _HIPS] * hips[..., None]).sum(1) / np.maximum(hips.sum(1), 1)[:, None]
    down = np.abs(middle - keypoints[:, _NECK])[present[:, _NECK] & hips.any(-1)]  # [rows, 2]
    if len(down) < _MIN_ROWS:
        return None
    sideways = down[:, 1] > down[:, 0]
    if sideways.mean() <= 0.5:
        return None
    beyond = _beyond(keypoints, frame)
    return (
        f"y and x are swapped: neck to hips is horizontal in {sideways.sum()} of {len(down)} rows that have "
        f"both{beyond}"
    )


def _statistics(keypoints: np.ndarray) -> _Statistics | None:
    present = (keypoints >= 0).all(-1)
    rows = np.flatnonzero(present.sum(-1) >= 6)
    if len(rows) < _MIN_ROWS:
        return None
    points = np.where(present[rows, :, None], keypoints[rows], np.nan)  # [rows, 18, 2]
    return _Statistics(
        rows=len(rows),
        center=float(np.median(np.nanmean(points[..., 1], -1))),
        lowest=float(np.median(np.nanmax(points[..., 0], -1))),
        largest=(float(np.nanmax(points[..., 0])), float(np.nanmax(points[..., 1]))),
    )


def _beyond(keypoints: np.ndarray, frame: tuple[int, int]) -> str:
    """Formats the number of rows with keypoints outside the frame, if any."""
    rows = (keypoints >= frame).any((1, 2)).sum()
    if not rows:
        return ""
    return f"; {rows} of {len(keypoints)} rows have a keypoint outside {_size(frame)}"


def _size(frame: tuple[int, int]) -> str:
    return f"{frame[0]} x {frame[1]} (h x w)"
