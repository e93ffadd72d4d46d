"""Text output of the commands and of training, on standard output or standard error."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import textwrap
from typing import TextIO

from gfla_tf.errors import InputError

_RAISING = ("strict", "surrogateescape", "surrogatepass")


def echo(text: str = "", *, end: str = "\n", stream: TextIO | None = None) -> None:
    """Prints text. Characters that the stream cannot encode are printed as escapes such as `\\udcff`.

    Args:
      text: the text. File names may contain bytes that are not UTF-8, as surrogates.
      end: printed after the text.
      stream: the text stream; `sys.stdout` by default. If it is not standard output, errors are ignored.

    Raises:
      BrokenPipeError: the reader of standard output, such as `head`, has closed it.
      InputError: standard output cannot be written, for example because the disk is full.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:  # closed before the program started
        return
    try:
        stream.write(encodable(text + end, stream))
        stream.flush()
    except BrokenPipeError:
        if stream is sys.stdout:
            raise
    except (OSError, ValueError) as error:
        if stream is sys.stdout:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"standard output cannot be written: {reason}") from error


def encodable(text: str, stream: TextIO) -> str:
    """Returns text with the characters that a stream cannot encode replaced by escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    errors = getattr(stream, "errors", None) or "strict"
    if errors not in _RAISING:
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def columns(stream: TextIO) -> int:
    """Returns the columns of a stream's terminal, or of the variable COLUMNS; 80 if they are unknown."""
    size = 0
    if not os.environ.get("COLUMNS", "").isdecimal():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            size = os.get_terminal_size(stream.fileno()).columns
    return size or shutil.get_terminal_size().columns


def join_parts(parts: list[str], columns: int) -> str:
    """Joins parts to lines of at most `columns` characters, which are broken between parts if possible."""
    text = "  ".join(part.replace(" ", "\xa0") for part in parts)
    lines = textwrap.wrap(text, max(columns, 4), subsequent_indent="  ")
    return "\n".join(lines).replace("\xa0", " ")


def escape_unencodable() -> None:
    """Makes the standard streams print escapes where they would raise `UnicodeEncodeError`.

    This covers libraries that print by themselves, such as argparse and tqdm.
    """
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) in _RAISING and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def open_standard_streams() -> None:
    """Opens the null device for closed standard streams, so that no output file takes their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def discard_unwritten() -> None:
    """Discards the rest of standard output and standard error where it cannot be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def clock(seconds: float) -> str:
    """Returns a duration as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
