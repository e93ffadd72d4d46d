"""Argument types and texts that several commands share."""

import argparse
import re

_SMALLEST, _LARGEST = 32, 1024

LAYOUTS = ("deepfashion", "market1501")
"""The names in `gfla_tf.data.layout.LAYOUTS`, here without importing NumPy and OpenCV."""

FORCE = "Overwrite existing outputs."


def whole(low):
    """The argparse type of whole numbers of at least `low`."""

    def convert(text):
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {low}, got {text!r}")
        return value

    return convert


def size(text):
    """The argparse type of image sizes, HEIGHTxWIDTH in pixels: (height, width)."""
    sides = _sides(text)
    if not all(_SMALLEST <= side <= _LARGEST for side in sides):
        raise argparse.ArgumentTypeError(
            f"must be HEIGHTxWIDTH, each {_SMALLEST} to {_LARGEST} pixels, such as 256x176; got {text!r}"
        )
    return sides


def frame(text):
    """The argparse type of the image sizes that poses are measured in, HEIGHTxWIDTH: (height, width)."""
    sides = _sides(text.lower())
    if not all(sides):
        raise argparse.ArgumentTypeError(f"must be HEIGHTxWIDTH in pixels, such as 256x176; got {text!r}")
    return sides


def _sides(text):
    """(height, width) of HEIGHTxWIDTH; (0, 0) for other texts."""
    found = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def confidence(text):
    """The argparse type of numbers from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text!r}")
    return value
