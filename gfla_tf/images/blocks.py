"""Blocks of image rows, which bound the memory of conversions of large images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

_MAX_PIXELS = 2**20


def row_blocks(height: int, width: int) -> Iterator[slice]:
    """Yields the rows of an image in order, in blocks of about a million pixels."""
    rows = max(1, _MAX_PIXELS // max(1, width))
    for begin in range(0, height, rows):
        yield slice(begin, min(begin + rows, height))


def pillow_blocks(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yields blocks of rows of a Pillow image, which would otherwise be copied several times."""
    for rows in row_blocks(image.height, image.width):
        yield rows, image.crop((0, rows.start, image.width, rows.stop))


def new_rgb(height: int, width: int) -> np.ndarray:
    """Returns an uninitialized image, uint8 [height, width, 3]."""
    return np.empty((height, width, 3), np.uint8)
