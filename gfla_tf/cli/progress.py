"""The progress display of all commands, on standard error."""

import sys
import time

from gfla_tf.console import columns, echo

_SECONDS_PER_LINE = 60  # in logs


def progress_bar(label, stream=None):
    """Returns a function of (done, total) that displays progress and ETA.

    On a terminal it draws a tqdm bar. Elsewhere it prints a plain line per minute, so that logs stay short.
    """
    from tqdm import tqdm

    stream = stream or sys.stderr
    started = printed = time.monotonic()
    bar = None

    def show(done, total):
        nonlocal bar, printed
        if stream.isatty():
            width = max(1, columns(stream) - 1)  # some terminals wrap at the last column
            bar = bar or tqdm(desc=label, total=total, file=stream, leave=True, ncols=width)
            bar.ncols = width
            bar.update(done - bar.n)
            if done >= total:
                bar.close()
        elif (now := time.monotonic()) - printed >= _SECONDS_PER_LINE:
            printed = now
            form = "{desc}: {n_fmt}/{total_fmt}, {elapsed} elapsed, ETA {remaining}"
            line = tqdm.format_meter(done, total, now - started, prefix=label, bar_format=form)
            echo(line, stream=stream)

    return show
