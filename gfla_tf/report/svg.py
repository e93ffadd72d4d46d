"""Line charts as inline SVG; the style sheet of the page sets their colors."""

from __future__ import annotations

import math
from html import escape

WIDTH, HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 24


def line_chart(name: str, x: list[float], series: dict[str, list[float]]) -> str:
    """Returns a line chart of one quantity.

    The y axis is logarithmic if all values are positive and their largest ratio exceeds 30.

    Args:
      name: the name of the quantity, for screen readers.
      x: the epochs, counted from 1.
      series: {label: values}, NaN where a value is missing; "held-out" is shown in the second color.

    Returns:
      An `<svg>` element, in which all text is escaped.
    """
    values = [value for one in series.values() for value in one if math.isfinite(value)]
    logarithmic = min(values) > 0 and max(values) / min(values) > 30
    ticks = _log_ticks(min(values), max(values)) if logarithmic else _ticks(min(values), max(values))
    low, high = min(ticks[0], min(values)), max(ticks[-1], max(values))
    first, last = min(x), max(max(x), min(x) + 1)

    def at_x(value: float) -> float:
        return _LEFT + (value - first) / (last - first) * (WIDTH - _LEFT - _RIGHT)

    def at_y(value: float) -> float:
        fraction = (
            math.log(value / low) / math.log(high / low) if logarithmic else (value - low) / (high - low)
        )
        return HEIGHT - _BOTTOM - fraction * (HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_description(name, series))}">'
    ]
    for tick in ticks:
        y = at_y(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in _epoch_ticks(first, last):
        parts.append(
            f'<text class="tick" x="{at_x(tick):.1f}" y="{HEIGHT - 7}" text-anchor="middle">{tick:g}</text>'
        )
    for kind, one in series.items():
        index = int(kind == "held-out")
        points = [(at_x(e), at_y(v)) for e, v in zip(x, one, strict=True) if math.isfinite(v)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(
            f'<polyline class="line-{index}" points="{path}"><title>{escape(kind)}</title></polyline>'
        )
        parts.append(
            f'<circle class="dot-{index}" cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.6"/>'
        )
    return "".join(parts) + "</svg>"


def _description(name: str, series: dict[str, list[float]]) -> str:
    ends = (f"{label} {_ends(values)}" for label, values in series.items())
    return f"{name} per epoch: " + "; ".join(ends)


def _ends(values: list[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    return f"from {finite[0]:.4g} to {finite[-1]:.4g}"


def _ticks(low: float, high: float) -> list[float]:
    """About four round values that enclose [low, high]."""
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span / 3))
    step *= next(times for times in (1, 2, 2.5, 5, 10) if span / (step * times) <= 4)
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(start, max(end, start + 1) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten that enclose [low, high]."""
    start, end = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(start, end + 1)]


def _epoch_ticks(first: float, last: float) -> list[float]:
    """At most six epochs, including the first and the last."""
    count = min(5, int(last - first))
    return sorted({round(first + (last - first) * index / count) for index in range(count + 1)})
