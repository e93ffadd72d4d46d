"""Atomic output files and folders: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gfla_tf.errors import InputError

PathLike = str | os.PathLike

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part(\.[^.]+){0,2}")


def check_output(path: PathLike, force: bool = False) -> None:
    """Checks that the file `path` can be written, by creating and removing a temporary file in its folder.

    Args:
      path: the output file.
      force: whether an existing file may be overwritten.

    Raises:
      InputError: the file exists and `force` is False, it is not a regular file, or its folder is missing
        or not writable.
    """
    path = os.fspath(path)
    _check_free(path, force)
    os.unlink(_write_temporary(path, b""))


def write_files(contents: Mapping[PathLike, bytes], force: bool = False) -> None:
    """Writes several files atomically: if one of them cannot be written, none is.

    Args:
      contents: {path: bytes}. The files appear in this order.
      force: whether existing files may be overwritten.

    Raises:
      InputError: as for `check_output`, or writing failed (for example, the disk is full). Existing files
        are then unchanged.
    """
    contents = {os.fspath(path): data for path, data in contents.items()}
    staged: dict[str, str] = {}
    backups: dict[str, str] = {}
    moved: list[str] = []
    try:
        for path, data in contents.items():
            _check_free(path, force)
            staged[path] = _write_temporary(path, data)
        for path, temporary in staged.items():
            _check_free(path, force)
            if os.path.lexists(path):
                backups[path] = _back_up(path)
            os.replace(temporary, path)
            moved.append(path)
    except BaseException as error:
        for path in moved:
            os.unlink(path)
        for path, backup in backups.items():
            os.replace(backup, path)
        for temporary in (*staged.values(), *backups.values()):  # renaming a hard link may leave it
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise InputError(f"the outputs cannot be written: {error.strerror}") from error
        raise
    for backup in backups.values():
        os.unlink(backup)


def replace_file(path: PathLike, data: bytes) -> None:
    """Writes one file atomically; an existing file is overwritten.

    Raises:
      InputError: the file cannot be written.
    """
    path = os.fspath(path)
    temporary = _write_temporary(path, data)
    try:
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise _not_written(path, error) from error


@contextlib.contextmanager
def atomic_path(path: PathLike, force: bool = True) -> Iterator[Path]:
    """Context manager for a file that another library writes.

    Yields a temporary path in the same folder, with the same last two suffixes, so that Keras and NumPy
    choose the same format. If the block succeeds, the temporary file is renamed to `path`; if it raises, the
    temporary file is removed.

    Args:
      path: the output file.
      force: whether an existing file may be overwritten.

    Raises:
      InputError: as for `check_output` if `force` is False, or an `OSError` occurred.
    """
    path = os.fspath(path)
    temporary = Path(_temporary_name(path) + "".join(Path(path).suffixes[-2:]))
    try:
        if not force:
            _check_free(path, force)
        yield temporary
        if not force:
            _check_free(path, force)
        os.replace(temporary, path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: PathLike) -> Iterator[Path]:
    """Context manager for an output folder.

    Yields a temporary folder, created together with the missing parents of `path`. If the block succeeds, it
    is renamed to `path`, replacing an existing folder; if it raises, everything created is removed.

    Raises:
      InputError: an `OSError` occurred.
    """
    path = Path(os.path.abspath(path))
    created = missing_folders(path.parent)
    temporary = Path(_temporary_name(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        move_folder(temporary, path)
        created = []
    except OSError as error:
        raise _not_written(os.fspath(path), error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        remove_empty_folders(created)


@contextlib.contextmanager
def output_folder(path: PathLike) -> Iterator[None]:
    """Context manager that creates a folder, and its parents, to write files into.

    Folders that it created and that are still empty at the end are removed.

    Raises:
      InputError: the folder cannot be created.
    """
    path = os.fspath(path)
    created = missing_folders(path)
    try:
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise InputError(f"the folder {path!r} cannot be created: {error.strerror}") from error
        yield
    finally:
        remove_empty_folders(created)


def move_folder(source: PathLike, path: PathLike) -> None:
    """Renames a finished folder to `path`. An existing folder there is deleted only afterwards.

    Args:
      source: the finished folder, in the same parent folder as `path`.
      path: the new path.
    """
    source, path, old = Path(source), Path(path), Path(f"{os.fspath(source)}-old")
    if not path.exists():
        os.replace(source, path)
    else:
        shutil.rmtree(old, ignore_errors=True)
        os.replace(path, old)
        try:
            os.replace(source, path)
        except OSError:
            os.replace(old, path)
            raise
    shutil.rmtree(old, ignore_errors=True)


def missing_folders(path: PathLike) -> list[Path]:
    """Returns the folder `path` and its parents as far as they do not exist, innermost first."""
    path = Path(os.path.abspath(path))
    return [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]


def remove_empty_folders(folders: Iterable[PathLike]) -> None:
    """Removes those of the folders, given innermost first, that exist and are empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def remove_temporary_files(folder: PathLike) -> None:
    """Removes the temporary files that an interrupted process left in a folder."""
    for entry in os.scandir(folder):
        if _TEMPORARY.fullmatch(entry.name) and not entry.is_dir(follow_symlinks=False):
            os.unlink(entry)


def _check_free(path: str, force: bool) -> None:
    if os.path.isdir(path):
        raise InputError(f"the output {path!r} is a folder: give the name of a file")
    if os.path.lexists(path) and not os.path.isfile(path):
        raise InputError(f"the output {path!r} exists and is not a regular file: choose another name")
    if os.path.lexists(path) and not force:
        raise InputError(
            f"the output {path!r} exists already: choose another name, or overwrite it with --force"
        )


def _temporary_name(path: PathLike) -> str:
    return os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.part")


def _write_temporary(path: str, data: bytes) -> str:
    """Writes a new file in the folder of `path` and returns its name; on failure no file remains."""
    temporary = _temporary_name(path)
    try:
        with open(temporary, "xb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                os.unlink(temporary)
                raise
    except (OSError, ValueError) as error:
        raise _not_written(path, error) from error
    return temporary


def _back_up(path: str) -> str:
    """Gives a file a second name, or moves it on file systems without hard links; returns that name."""
    backup = _temporary_name(path)
    try:
        os.link(path, backup, follow_symlinks=False)
    except (OSError, NotImplementedError):
        os.replace(path, backup)
    return backup


def _not_written(path: str, error: OSError | ValueError) -> InputError:
    folder = os.path.dirname(path) or "."
    missing = FileNotFoundError | NotADirectoryError | FileExistsError
    if isinstance(error, missing) and not os.path.isdir(folder):
        return InputError(f"the output {path!r} cannot be written: there is no folder {folder!r}")
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"the output {path!r} cannot be written: {reason}")
