"""Output files that appear complete or not at all, and never over a file of the user's without leave."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from gfla_tf.errors import InputError


def check_output(path, force: bool = False) -> None:
    """Checks that `path` can be written, by writing beside it for a moment.

    Raises:
      InputError: it exists and `force` is False, it is no regular file, or its folder is missing or not
        writable.
    """
    path = os.fspath(path)
    _check_free(path, force)
    os.unlink(_write_beside(path, b""))


def write_files(contents: dict, force: bool = False) -> None:
    """Writes several files, {path: bytes}: either all of them or, if one fails, none.

    Each is written beside its place and moved there once all are complete.

    Raises:
      InputError: as `check_output`, or a write failed (a full disk): what was there before is there again.
    """
    contents = {os.fspath(path): data for path, data in contents.items()}
    staged: dict[str, str] = {}
    kept: dict[str, str] = {}
    placed: list[str] = []
    try:
        for path, data in contents.items():
            _check_free(path, force)
            staged[path] = _write_beside(path, data)
        for path, temporary in staged.items():
            _check_free(path, force)
            if os.path.lexists(path):
                backup = _beside(path)
                os.replace(path, backup)
                kept[path] = backup
            os.replace(temporary, path)
            placed.append(path)
    except BaseException as error:
        for path in placed:
            os.unlink(path)
        for path, backup in kept.items():
            os.replace(backup, path)
        for temporary in staged.values():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise InputError(f"the outputs cannot be written: {error.strerror}") from error
        raise
    for backup in kept.values():
        os.unlink(backup)


@contextlib.contextmanager
def output_folder(path):
    """For `with output_folder(path):` around writing files into a folder: it is made, with those above it,
    where it is missing. What was made is removed again where nothing was put into it.

    Raises:
      InputError: it cannot be made.
    """
    path = os.fspath(path)
    missing = []
    above = os.path.abspath(path)
    while not os.path.lexists(above):
        missing.append(above)
        above = os.path.dirname(above)
    try:
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise InputError(f"the folder {path!r} cannot be made: {error.strerror}") from error
        yield
    finally:
        for made in missing:
            with contextlib.suppress(OSError):  # it holds something, or was not made
                os.rmdir(made)


def place_folder(beside, path) -> None:
    """Moves a finished folder to `path`; the folder that was there is deleted only after that.

    Args:
      beside: the folder, in the folder that `path` is in.
      path: its place.
    """
    beside, path = Path(beside), Path(path)
    if not path.exists():
        os.replace(beside, path)
        return
    old = Path(f"{beside}-old")
    os.replace(path, old)
    try:
        os.replace(beside, path)
    except OSError:
        os.replace(old, path)
        raise
    shutil.rmtree(old)


def _check_free(path: str, force: bool) -> None:
    if os.path.isdir(path):
        raise InputError(f"the output {path!r} is a folder: name a file")
    if os.path.lexists(path) and not os.path.isfile(path):
        raise InputError(f"the output {path!r} is there and is not a regular file: name another one")
    if os.path.lexists(path) and not force:
        raise InputError(f"the output {path!r} exists already: name another one, or replace it with --force")


def _beside(path: str) -> str:
    return os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.part")


def _write_beside(path: str, data: bytes) -> str:
    """Writes a new file in the folder of `path` and returns its name; nothing is left if that fails."""
    temporary = _beside(path)
    try:
        with open(temporary, "xb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                os.unlink(temporary)
                raise
    except (FileNotFoundError, NotADirectoryError) as error:
        folder = os.path.dirname(path) or "."
        raise InputError(f"the output {path!r} cannot be written: there is no folder {folder!r}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the output {path!r} cannot be written: {reason}") from error
    return temporary
