"""Plots of measured curves with logarithmic axes, drawn with OpenCV."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np

PANEL_WIDTH, PANEL_HEIGHT = 560, 420  # pixels
COLORS = ((33, 102, 172), (214, 96, 77), (90, 174, 97), (153, 112, 171), (191, 129, 45))
GREY, INK = (222, 222, 222), (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FINE = 3  # supersampling factor, for smooth lines and letters
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 20, 44, 58


def plot(panels: list[dict]) -> np.ndarray:
    """Draws panels side by side, two per row.

    Args:
      panels: each with `title`, `x_label`, `y_label` and `series`, {name: [(x, y), ...]}, positive.

    Returns:
      A uint8 RGB image.

    Raises:
      ValueError: If there is no panel, or a value is not positive and finite.
    """
    if not panels:
        raise ValueError("a plot needs at least one panel")
    images = [_panel(**panel) for panel in panels]
    images += [np.full_like(images[0], 255)] * (-len(images) % min(2, len(images)))
    return np.vstack([np.hstack(images[i : i + 2]) for i in range(0, len(images), 2)])


def _panel(title, x_label, y_label, series):
    points = np.array([point for curve in series.values() for point in curve], float)
    if not (np.isfinite(points) & (points > 0)).all():
        raise ValueError(f"{title}: a logarithmic axis can only show positive numbers")
    canvas = _Canvas(points.min(axis=0), points.max(axis=0))
    for tick in _ticks(canvas.low[1], canvas.high[1]):
        canvas.line((canvas.low[0], tick), (canvas.high[0], tick), GREY, 1)
        canvas.text(f"{tick:g}", (_LEFT - 8, canvas.at(canvas.low[0], tick)[1] + 4), 0.42, "right")
    for x in sorted({point[0] for curve in series.values() for point in curve}):
        canvas.line((x, canvas.low[1]), (x, canvas.high[1]), GREY, 1)
        canvas.text(f"{x:g}", (canvas.at(x, canvas.low[1])[0], PANEL_HEIGHT - _BOTTOM + 18), 0.42, "middle")
    canvas.text(title, (PANEL_WIDTH / 2, 24), 0.55, "middle")
    canvas.text(x_label, ((_LEFT + PANEL_WIDTH - _RIGHT) / 2, PANEL_HEIGHT - 14), 0.48, "middle")
    canvas.text(y_label, (_LEFT - 8, _TOP - 8), 0.48, "right")
    for number, (name, curve) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        for first, second in itertools.pairwise(curve):
            canvas.line(first, second, color, 2)
        for point in curve:
            canvas.mark(point, color)
        canvas.legend(number, name, color)
    return canvas.image()


class _Canvas:
    """The pixels of a panel, and the pixel coordinates of values."""

    def __init__(self, low, high):
        self.low = low * 0.8
        self.high = high * (1.25, 1.25 * (high[1] / low[1]) ** 0.35)  # room for the legend above the curves
        self._pixels = np.full((PANEL_HEIGHT * _FINE, PANEL_WIDTH * _FINE, 3), 255, np.uint8)

    def at(self, x, y):
        """The pixel coordinates (column, row) of a value."""
        part = np.log(np.array([x, y]) / self.low) / np.log(self.high / self.low)
        width, height = PANEL_WIDTH - _LEFT - _RIGHT, PANEL_HEIGHT - _TOP - _BOTTOM
        return _LEFT + part[0] * width, PANEL_HEIGHT - _BOTTOM - part[1] * height

    def line(self, first, second, color, width):
        ends = [_pixel(self.at(*point)) for point in (first, second)]
        cv2.line(self._pixels, *ends, color, width * _FINE, cv2.LINE_AA)

    def mark(self, point, color):
        cv2.circle(self._pixels, _pixel(self.at(*point)), 4 * _FINE, color, -1, cv2.LINE_AA)

    def legend(self, number, name, color):
        y = _TOP + 16 + 19 * number
        cv2.line(self._pixels, _pixel((_LEFT + 12, y - 4)), _pixel((_LEFT + 36, y - 4)), color, 2 * _FINE)
        self.text(name, (_LEFT + 44, y), 0.45, "left")

    def text(self, text, at, scale, align):
        scale *= _FINE
        (width, _), _ = cv2.getTextSize(text, _FONT, scale, _FINE)
        shift = {"left": 0, "middle": width / 2, "right": width}[align]
        x, y = _pixel(at)
        cv2.putText(self._pixels, text, (int(x - shift), y), _FONT, scale, INK, _FINE, cv2.LINE_AA)

    def image(self):
        """The panel at its final size."""
        return cv2.resize(self._pixels, (PANEL_WIDTH, PANEL_HEIGHT), interpolation=cv2.INTER_AREA)


def _pixel(at):
    return round(float(at[0]) * _FINE), round(float(at[1]) * _FINE)


def _ticks(low, high):
    """1, 2 and 5 times the powers of ten between low and high."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]
