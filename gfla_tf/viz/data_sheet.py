"""Contact sheets of the images and poses of a checked data folder."""

from __future__ import annotations

import itertools
import os

import numpy as np

from gfla_tf.data.doctor import CHECKS, ERROR, WARNING, Fault, Report
from gfla_tf.data.layout import check_inside
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.viz.contact_sheet import Cell, contact_sheet
from gfla_tf.viz.pose import draw_pose

_SMALLEST_HEIGHT = 256
_GRAY = 200
_SPLIT_CHECKS = ("swapped-axes", "wrong-frame", "implausible-keypoints")


def data_sheet(report: Report, count: int = 36, seed: int = 0) -> np.ndarray:
    """Draws a sample of the images of a checked folder with their poses.

    Images with faults come first and fill up to two thirds of the cells. They alternate between the kinds of
    faults, errors before warnings. Images without a fault, chosen at random, fill the other cells.

    Each image is resized to the aspect ratio of the layout's image size, and its keypoints are scaled, as in
    training, so a pose that is misaligned on the sheet is misaligned in training. An image that cannot be
    read is shown as gray.

    Args:
      report: the result of `check_folder`.
      count: the maximum number of images.
      seed: the random seed for the choice of the images without a fault.

    Returns:
      The sheet, uint8 RGB.

    Raises:
      InputError: the folder's annotation files contain no row.
      ValueError: `count` is less than 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    worst = _worst(report, -(-2 * count // 3))
    faults = {(fault.split, fault.image): CHECKS[fault.check].title for fault in worst}
    others = [
        (split, name)
        for split, tables in report.tables.items()
        for name in tables.rows
        if (split, name) not in faults
    ]
    chosen = np.random.default_rng(seed).permutation(len(others))[: count - len(faults)]
    whole = {
        fault.split: CHECKS[fault.check].title for fault in report.faults if fault.check in _SPLIT_CHECKS
    }
    faults |= {others[number]: whole.get(others[number][0], "") for number in sorted(chosen)}
    if not faults:
        raise InputError(f"no row of {report.folder!r} can be drawn: its annotation files contain none")
    height, width = report.layout.image_size
    times = -(-_SMALLEST_HEIGHT // height)
    size = height * times, width * times
    cells = [Cell(_draw(report, *key, size), "/".join(key), fault) for key, fault in faults.items()]
    return contact_sheet(cells, size)


def _worst(report: Report, count: int) -> list[Fault]:
    """Selects at most `count` faults, one per image, alternating between kinds, errors before warnings."""
    kinds = []
    seen = set()
    for severity, check in itertools.product((ERROR, WARNING), CHECKS):
        kind = []
        for fault in report.faults:
            key = fault.split, fault.image
            if (fault.check, fault.severity) == (check, severity) and fault.image and key not in seen:
                seen.add(key)
                kind.append(fault)
        kinds.append(kind)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*kinds))
    return list(itertools.islice((fault for fault in turns if fault is not None), count))


def _draw(report: Report, split: str, name: str, size: tuple[int, int]) -> np.ndarray:
    try:
        check_inside(name, "the row")
        canvas = read_image(os.path.join(report.folder, split, name))
    except InputError:
        canvas = np.full((*size, 3), _GRAY, np.uint8)
    row = report.tables[split].rows.get(name)
    keypoints = np.full((18, 2), -1.0, np.float32) if row is None else row.keypoints
    return draw_pose(keypoints, report.layout.frame, canvas, size)
