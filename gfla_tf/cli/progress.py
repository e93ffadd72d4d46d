"""A line of progress on standard error, for commands whose result goes to standard output."""

import sys
import time

_WIDTH = 28


def progress_bar(label, stream=None):
    """A function of (done, total) that draws a bar with the time left, in place on a terminal; silent
    elsewhere.
    """
    stream = stream or sys.stderr
    started = time.monotonic()

    def show(done, total):
        if not stream.isatty():
            return
        elapsed = time.monotonic() - started
        left = elapsed / max(done, 1) * (total - done)
        filled = _WIDTH * done // max(total, 1)
        bar = "█" * filled + "·" * (_WIDTH - filled)
        end = "\n" if done >= total else ""
        print(f"\r\x1b[K{label} {bar} {done}/{total}  {left:.0f} s left", end=end, file=stream, flush=True)

    return show
