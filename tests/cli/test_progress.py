"""The progress display: a bar on a terminal, a line per minute in a log."""

import fcntl
import io
import os
import re
import struct
import sys
import termios
import time

import pytest

from gfla_tf.cli.progress import progress_bar
from gfla_tf.console import columns


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_drawn_in_place_and_ends_its_line():
    terminal = Terminal()
    show = progress_bar("evaluating", terminal)
    show(20, 40)
    assert terminal.getvalue().startswith("\r")
    assert "evaluating" in terminal.getvalue()
    assert "\n" not in terminal.getvalue()
    show(40, 40)
    assert "40/40" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")


def test_a_log_gets_a_line_per_minute_with_the_remaining_time(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    log = io.StringIO()
    show = progress_bar("evaluating", log)
    for done in range(1, 41):
        now += 10.0
        show(done, 40)
    lines = log.getvalue().splitlines()
    assert len(lines) == 6  # 400 s
    assert lines[0] == "evaluating: 6/40, 01:00 elapsed, ETA 05:40"


@pytest.mark.parametrize("width", [40, 80])
def test_the_bar_is_not_longer_than_a_terminal(monkeypatch, width):
    """A longer bar leaves a stale row at every update."""
    monkeypatch.delenv("COLUMNS", raising=False)
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    with os.fdopen(terminal, "w") as stream:
        assert columns(stream) == width
        show = progress_bar("rendering the people of the training split", stream)
        for done in (1, 5000, 10000):
            show(done, 10000)
    lines = re.split(r"[\r\n]+", os.read(controller, 2**16).decode())
    os.close(controller)
    assert 0 < max(map(len, lines)) < width


@pytest.mark.parametrize(("variable", "expected"), [("40", 40), ("x", 80), ("0", 80), (None, 80)])
def test_columns_of_a_stream_that_is_no_terminal(monkeypatch, variable, expected):
    monkeypatch.setattr(sys, "__stdout__", None)
    if variable is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", variable)
    assert columns(io.StringIO()) == expected
