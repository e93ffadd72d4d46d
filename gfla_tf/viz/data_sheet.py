"""The doctor's contact sheet: a data folder's images as the networks get them, under their poses."""

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
_GREY = 200
_OF_WHOLE_SPLITS = ("swapped-axes", "wrong-frame")


def data_sheet(report: Report, count: int = 36, seed: int = 0) -> np.ndarray:
    """Draws images of a checked folder: the worst first, in up to two thirds of the cells, then others.

    Each image is stretched to the layout's image size, as training does, and its keypoints follow from
    their frame, so a pose that lies beside its person here lies beside it in training. Kinds of faults take
    turns, errors before warnings. An image that cannot be read is grey.

    Args:
      report: of `check_folder`.
      count: of cells.
      seed: chooses the images without a fault.

    Returns:
      uint8 RGB.

    Raises:
      InputError: the folder's annotation files hold no row.
      ValueError: `count` is under 1.
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
        fault.split: CHECKS[fault.check].title for fault in report.faults if fault.check in _OF_WHOLE_SPLITS
    }
    faults |= {others[number]: whole.get(others[number][0], "") for number in sorted(chosen)}
    if not faults:
        raise InputError(f"no row of {report.folder!r} can be drawn: its annotation files hold none")
    height, width = report.layout.image_size
    times = -(-_SMALLEST_HEIGHT // height)
    size = height * times, width * times
    cells = [Cell(_picture(report, *place, size), "/".join(place), fault) for place, fault in faults.items()]
    return contact_sheet(cells, size)


def _worst(report: Report, count: int) -> list[Fault]:
    """At most `count` faults of as many images: a fault of each kind in turn, errors before warnings."""
    kinds = []
    seen = set()
    for severity, check in itertools.product((ERROR, WARNING), CHECKS):
        kind = []
        for fault in report.faults:
            place = fault.split, fault.image
            if (fault.check, fault.severity) == (check, severity) and fault.image and place not in seen:
                seen.add(place)
                kind.append(fault)
        kinds.append(kind)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*kinds))
    return list(itertools.islice((fault for fault in turns if fault is not None), count))


def _picture(report: Report, split: str, name: str, size: tuple[int, int]) -> np.ndarray:
    try:
        check_inside(name, "the row")
        canvas = read_image(os.path.join(report.folder, split, name))
    except InputError:
        canvas = np.full((*size, 3), _GREY, np.uint8)
    row = report.tables[split].rows.get(name)
    keypoints = np.full((18, 2), -1.0, np.float32) if row is None else row.keypoints
    return draw_pose(keypoints, report.layout.frame, canvas, size)
