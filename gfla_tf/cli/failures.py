"""The sentence and exit code of every error that a command can meet outside its own code."""

import errno
import os
import re
import select
import signal
import sys
import threading
import time

from gfla_tf.errors import InputError

BAD_INPUT, CLOSED_PIPE = 2, 141

_EXHAUSTED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE)

_DETAILS = re.compile(r"\{\{.*?\}\} ?| ?\[Op:\w+\]|/\.[0-9a-f]{16}\.part[^;]*")
"""In messages of TensorFlow: nodes, operations, and names of temporary files."""

_TEXTS = tuple(os.strerror(code) for code in _EXHAUSTED)

_REPEATED = 2.0  # seconds within which a second signal does not interrupt the cleanup


class Interruption(KeyboardInterrupt):
    """SIGTERM or SIGHUP, its argument, handled like Ctrl-C: outputs are removed or kept as after an error."""


class Signals:
    """Context manager that raises `Interruption` for SIGTERM and SIGHUP.

    A signal that the parent process ignores, as under nohup, stays ignored.

    Attributes:
      received: the number of the last of these signals, or SIGINT.
    """

    def __init__(self):
        self.received = signal.SIGINT
        self._raised = -_REPEATED
        self._previous = {}

    def __enter__(self):
        handled = (signal.SIGTERM, signal.SIGHUP)
        for number in handled if threading.current_thread() is threading.main_thread() else ():
            if signal.getsignal(number) is signal.SIG_DFL:
                self._previous[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *error):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _interrupt(self, number, frame):
        self.received = number
        if time.monotonic() - self._raised >= _REPEATED:  # a closed terminal sends SIGHUP twice
            self._raised = time.monotonic()
            raise Interruption(number)


def describe(error, received):
    """Returns (exit code, sentence or None) of an error; None if it is a fault of this program.

    Args:
      error: the exception.
      received: the signal that a KeyboardInterrupt comes from.
    """
    if isinstance(error, KeyboardInterrupt) or received != signal.SIGINT:
        return 128 + received, "interrupted"
    if isinstance(error, BrokenPipeError) and (_is_closed(sys.stdout) or _is_closed(sys.stderr)):
        return CLOSED_PIPE, None
    sentence = _sentence(error)
    return None if sentence is None else (BAD_INPUT, f"error: {sentence}")


def _is_closed(stream):
    """Whether the reader of a standard stream has closed it."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):
        return False


def _sentence(error):
    """The sentence of an error, or of an exhausted resource that led to it; None for other errors."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, UnicodeError):
        return f"a text or file name cannot be encoded or decoded: {error}"
    while error is not None:  # a library may have replaced the first error by its own
        if isinstance(error, OSError) and error.errno in _EXHAUSTED:
            return _of_system(error)
        if sentence := _of_memory(error) or _of_tensorflow(error):
            return sentence
        error = error.__cause__ or error.__context__
    return None


def _of_system(error):
    if isinstance(error, FileNotFoundError) and error.filename is None:
        from gfla_tf.files import is_working_folder_deleted

        if is_working_folder_deleted():
            return "the current folder has been deleted: change to an existing one"
    names = [name for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    reason = error.strerror or str(error) or type(error).__name__
    return ": ".join([reason, *(repr(os.fsdecode(name)) for name in names)])


def _of_memory(error):
    cv2 = sys.modules.get("cv2")
    remedy = "use smaller images, a smaller batch or fewer workers"
    if isinstance(error, MemoryError):
        return f"not enough memory{f' ({error})' if str(error) else ''}: {remedy}"
    if cv2 is not None and isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem:
        return f"not enough memory in OpenCV: {remedy}"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return f"the system allows no further threads: {remedy}"
    return None


def _of_tensorflow(error):
    """The sentence of a TensorFlow error about memory, disks or permissions, or None."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError):
        return None
    first = _DETAILS.sub("", (error.message or "").strip().partition("\n")[0])
    if isinstance(error, tensorflow.errors.PermissionDeniedError) or any(text in first for text in _TEXTS):
        return first
    if isinstance(error, tensorflow.errors.ResourceExhaustedError):
        return f"TensorFlow has not enough memory: use smaller images or a smaller batch ({first})"
    return None
