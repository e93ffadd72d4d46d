"""Diagrams: marks where the values are, and no picture of what a logarithmic axis cannot show."""

import numpy as np
import pytest

from benchmarks.plot import COLOURS, PANEL_HEIGHT, PANEL_WIDTH, figure


def _panel(series):
    return {"title": "t", "x_label": "x", "y_label": "ms", "series": series}


def _places(picture, colour):
    """Rows and columns of the pixels of a colour, below the legend."""
    found = np.argwhere((picture == np.array(colour)).all(axis=-1))
    return found[found[:, 0] > 130].T


def test_curves_are_drawn_where_their_values_are():
    picture = figure([_panel({"level": [(1, 1), (4, 1), (16, 1)], "rising": [(1, 1), (16, 16)]})])
    assert picture.shape == (PANEL_HEIGHT, PANEL_WIDTH, 3)
    assert picture.dtype == np.uint8
    rows, columns = _places(picture, COLOURS[1])
    assert rows[columns.argmin()] > rows[columns.argmax()] + 80
    rows, columns = _places(picture, COLOURS[0])
    assert np.ptp(rows) < 12  # a round mark's height
    columns = columns - columns.min()
    heights = np.bincount(columns)  # tall where a mark is
    middle = np.flatnonzero(heights[20:-20] > 5) + 20
    assert middle.mean() == pytest.approx(columns.max() / 2, abs=6)  # logarithmic: 4 is between 1 and 16


def test_panels_stand_two_a_row():
    panel = _panel({"one": [(1, 2), (2, 3)]})
    assert figure([panel, panel]).shape == (PANEL_HEIGHT, 2 * PANEL_WIDTH, 3)
    assert figure([panel] * 3).shape == (2 * PANEL_HEIGHT, 2 * PANEL_WIDTH, 3)


@pytest.mark.parametrize("panels", [[], [_panel({"one": [(1, 0)]})], [_panel({"one": [(1, float("nan"))]})]])
def test_what_cannot_be_drawn_is_refused(panels):
    with pytest.raises(ValueError, match=r"needs at least one panel|positive numbers only"):
        figure(panels)
