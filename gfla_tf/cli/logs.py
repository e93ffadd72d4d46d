"""Logging of the commands: the log of `gfla_tf` on standard error, without TensorFlow's own messages."""

import logging
import os
import sys
import tempfile

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def load_tensorflow():
    """Imports TensorFlow quietly, unless the environment names a TF_CPP_MIN_LOG_LEVEL.

    TensorFlow prints its first messages before it reads its log level, so standard error is redirected during
    the import and shown only if the import fails.
    """
    if "tensorflow" in sys.modules or _LEVEL in os.environ:
        return
    os.environ[_LEVEL] = "3"
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside:
        standard_error = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            aside.seek(0)
            os.write(standard_error, aside.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def show_log():
    """Sends the log of `gfla_tf` to standard error, one plain line per message."""
    log = logging.getLogger("gfla_tf")
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
