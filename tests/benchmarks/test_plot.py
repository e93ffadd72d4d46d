"""Plots with logarithmic axes."""

import numpy as np
import pytest

from benchmarks.plot import COLORS, PANEL_HEIGHT, PANEL_WIDTH, plot


def _panel(series):
    return {"title": "t", "x_label": "x", "y_label": "ms", "series": series}


def _pixels(image, color):
    """Rows and columns of the pixels of a color below the legend."""
    found = np.argwhere((image == np.array(color)).all(axis=-1))
    return found[found[:, 0] > 130].T


def test_curves_are_drawn_at_their_values():
    image = plot([_panel({"level": [(1, 1), (4, 1), (16, 1)], "rising": [(1, 1), (16, 16)]})])
    assert image.shape == (PANEL_HEIGHT, PANEL_WIDTH, 3)
    assert image.dtype == np.uint8
    rows, columns = _pixels(image, COLORS[1])
    assert rows[columns.argmin()] > rows[columns.argmax()] + 80
    rows, columns = _pixels(image, COLORS[0])
    assert np.ptp(rows) < 12  # the height of a round mark
    columns = columns - columns.min()
    heights = np.bincount(columns)  # large at a mark
    middle = np.flatnonzero(heights[20:-20] > 5) + 20
    assert middle.mean() == pytest.approx(columns.max() / 2, abs=6)  # logarithmic: 4 is between 1 and 16


def test_panels_are_arranged_two_per_row():
    panel = _panel({"one": [(1, 2), (2, 3)]})
    assert plot([panel, panel]).shape == (PANEL_HEIGHT, 2 * PANEL_WIDTH, 3)
    assert plot([panel] * 3).shape == (2 * PANEL_HEIGHT, 2 * PANEL_WIDTH, 3)


@pytest.mark.parametrize("panels", [[], [_panel({"one": [(1, 0)]})], [_panel({"one": [(1, float("nan"))]})]])
def test_invalid_panels_are_refused(panels):
    with pytest.raises(ValueError, match=r"needs at least one panel|only show positive numbers"):
        plot(panels)
