"""A contact sheet: many pictures on one, each with a caption of two lines."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gfla_tf.viz.images import resize

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SCALE = 0.36
_LINE = 15
_GAP = 6
_BACKGROUND = 245
_RED, _BLACK = (190, 20, 20), (30, 30, 30)


@dataclass(frozen=True)
class Cell:
    """One picture, uint8 RGB, its name, and what is wrong with it ("" if nothing)."""

    picture: np.ndarray
    name: str
    fault: str = ""


def contact_sheet(cells: list[Cell], cell_size: tuple[int, int], columns: int = 6) -> np.ndarray:
    """Puts cells in rows, each framed in red where something is wrong with it, with its caption below.

    Args:
      cells: at least one; pictures of another size than `cell_size` are resized.
      cell_size: (H, W) of a picture.
      columns: cells a row.

    Returns:
      uint8 RGB.

    Raises:
      ValueError: there is no cell.
    """
    if not cells:
        raise ValueError("a contact sheet needs at least one cell")
    height, width = cell_size
    step = (height + 2 * _LINE + 2 * _GAP, width + 2 * _GAP)
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * step[0], columns * step[1], 3), _BACKGROUND, np.uint8)
    for number, cell in enumerate(cells):
        top, left = number // columns * step[0] + _GAP, number % columns * step[1] + _GAP
        sheet[top : top + height, left : left + width] = resize(cell.picture, cell_size)
        if cell.fault:
            cv2.rectangle(sheet, (left - 2, top - 2), (left + width + 1, top + height + 1), _RED, 2)
        base = top + height + _LINE - 3
        _write(sheet, _shortened(cell.name, width, from_front=True), left, base, _BLACK)
        _write(sheet, _shortened(cell.fault, width, from_front=False), left, base + _LINE, _RED)
    return sheet


def _shortened(text: str, width: int, from_front: bool) -> str:
    """A text that fits into `width` pixels; what OpenCV's letters cannot show becomes "?"."""
    text = text.encode("ascii", "replace").decode()
    whole = text
    for kept in range(len(text), 0, -1):
        if cv2.getTextSize(text, _FONT, _SCALE, 1)[0][0] <= width - 2:
            return text
        text = "..." + whole[-kept + 1 :] if from_front else whole[: kept - 1] + "..."
    return ""


def _write(sheet: np.ndarray, text: str, left: int, base: int, colour) -> None:
    cv2.putText(sheet, text, (left, base), _FONT, _SCALE, colour, 1, cv2.LINE_AA)
