"""Contact sheets: grids of images with captions of two lines."""

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
    """A cell of a contact sheet.

    Attributes:
      image: uint8 RGB [h, w, 3].
      name: the first line of the caption.
      fault: the second line of the caption, a description of the image's fault; "" if it has none.
    """

    image: np.ndarray
    name: str
    fault: str = ""


def contact_sheet(cells: list[Cell], cell_size: tuple[int, int], columns: int = 6) -> np.ndarray:
    """Arranges images in rows, with captions below them and red frames around those with a fault.

    Args:
      cells: at least one cell; images that differ from `cell_size` are resized.
      cell_size: (H, W) of each image in pixels.
      columns: the maximum number of cells per row.

    Returns:
      The sheet, uint8 RGB.

    Raises:
      ValueError: `cells` is empty.
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
        sheet[top : top + height, left : left + width] = resize(cell.image, cell_size)
        if cell.fault:
            cv2.rectangle(sheet, (left - 2, top - 2), (left + width + 1, top + height + 1), _RED, 2)
        base = top + height + _LINE - 3
        _write(sheet, _shortened(cell.name, width, from_front=True), left, base, _BLACK)
        _write(sheet, _shortened(cell.fault, width, from_front=False), left, base + _LINE, _RED)
    return sheet


def _shortened(text: str, width: int, from_front: bool) -> str:
    """Shortens a text to `width` pixels; characters outside ASCII, which OpenCV cannot draw, become "?"."""
    text = text.encode("ascii", "replace").decode()
    whole = text
    for kept in range(len(text), 0, -1):
        if cv2.getTextSize(text, _FONT, _SCALE, 1)[0][0] <= width - 2:
            return text
        text = "..." + whole[-kept + 1 :] if from_front else whole[: kept - 1] + "..."
    return ""


def _write(sheet: np.ndarray, text: str, left: int, base: int, color: tuple[int, int, int]) -> None:
    cv2.putText(sheet, text, (left, base), _FONT, _SCALE, color, 1, cv2.LINE_AA)
