"""What the library logs, shown by the commands that run long."""

import logging


def show_log():
    """Sends the log of `gfla_tf` to standard error, a plain line each."""
    log = logging.getLogger("gfla_tf")
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
