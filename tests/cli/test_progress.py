"""The progress display: a bar on a terminal, a line per minute in a log."""

import io
import time

from gfla_tf.cli.progress import progress_bar


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
