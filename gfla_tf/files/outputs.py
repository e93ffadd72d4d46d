"""Atomic output files and folders: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gfla_tf.errors import InputError
from gfla_tf.files.exchange import exchange_names
from gfla_tf.files.temporary import (
    apply_permissions,
    flush_file,
    remove_tree,
    second_name,
    temporary_file,
    temporary_folder,
)

PathLike = str | os.PathLike

_HDF5_REASON = re.compile(r"error message = '([^']+)'")
_LONGEST_NAME = 255  # bytes, of all file systems of Linux
_LONGEST_EXTENSION = 32  # bytes, of a temporary file for another library
_LONGEST_SHOWN = 300  # characters of a path in a message


def check_name(path: PathLike) -> None:
    """Checks that an output can have the path `path`: the file system refuses none of its names.

    Raises:
      InputError: the path is empty or contains a null character, or it or a name in it is too long.
    """
    path = os.fspath(path)
    if not path:
        raise InputError("the name of an output is empty: give the name of a file or folder")
    try:
        if any(len(name) > _LONGEST_NAME for name in os.fsencode(path).split(b"/")):
            raise OSError(errno.ENAMETOOLONG, "File name too long")  # lstat needs an existing folder
        os.lstat(path)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or error.errno == errno.ENAMETOOLONG:
            raise _not_written(path, error) from error


def check_output(path: PathLike, force: bool = False) -> None:
    """Checks that the file `path` can be written, by creating and removing a temporary file in its folder.

    Args:
      path: the output file.
      force: whether an existing file may be overwritten.

    Raises:
      InputError: the file exists and `force` is False, it is not a regular file, its name is too long, or its
        folder is missing or not writable.
    """
    path = os.fspath(path)
    _check_free(path, force)
    with _written(path, b""):
        pass


def write_files(contents: Mapping[PathLike, bytes], force: bool = False) -> None:
    """Writes several files: if one of them cannot be written, none is.

    Each file is replaced atomically: at every moment its old or its new content exists under its name, also
    if the process is killed. A process that is killed between two files leaves the first one new and the
    second one old.

    Args:
      contents: {path: bytes}. The files appear in this order.
      force: whether existing files may be overwritten.

    Raises:
      InputError: as for `check_output`, or writing failed (for example, the disk is full). Existing files
        are then unchanged.
    """
    contents = {os.fspath(path): data for path, data in contents.items()}
    staged: dict[str, str] = {}
    moved: dict[str, str | None] = {}  # {path: name of the old file}
    with contextlib.ExitStack() as stack:
        for path, data in contents.items():
            _check_free(path, force)
            staged[path] = stack.enter_context(_written(path, data))
        try:
            for path, temporary in staged.items():
                _check_free(path, force)
                restorable = len(moved) < len(staged) - 1 and os.path.lexists(path)  # not for the last one
                old = stack.enter_context(second_name(path)) if restorable else None
                os.replace(temporary, path)
                moved[path] = old
        except BaseException as error:
            for path, old in moved.items():
                if old is None:
                    os.unlink(path)
                else:
                    os.replace(old, path)
            if isinstance(error, OSError):
                raise InputError(f"the outputs cannot be written: {error.strerror}") from error
            raise


def replace_file(path: PathLike, data: bytes) -> None:
    """Writes one file atomically; an existing file is overwritten.

    Raises:
      InputError: the file cannot be written.
    """
    path = os.fspath(path)
    with _written(path, data) as temporary:
        try:
            os.replace(temporary, path)
        except OSError as error:
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
    check_name(path)
    if not force:
        _check_free(path, force)
    with _written(path, b"") as locked:
        temporary = Path(locked + _extension(path))
        try:
            yield temporary
            if not force:
                _check_free(path, force)
            flush_file(temporary)
            os.replace(temporary, path)
        except OSError as error:
            raise _not_written(path, error) from error
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: PathLike) -> Iterator[Path]:
    """Context manager for an output folder.

    Yields a temporary folder, created together with the missing parents of `path`. If the block succeeds, it
    is moved to `path`, replacing an existing folder; if it raises, everything created is removed.

    Raises:
      InputError: an `OSError` occurred.
    """
    check_name(path)
    path = Path(os.path.abspath(path))
    created = missing_folders(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(os.fspath(path.parent)) as temporary:
            yield Path(temporary)
            apply_permissions(temporary)
            move_folder(temporary, path)
        created = []
    except OSError as error:
        raise _not_written(os.fspath(path), error) from error
    finally:
        remove_empty_folders(created)


@contextlib.contextmanager
def output_folder(path: PathLike) -> Iterator[None]:
    """Context manager that creates a folder, and its parents, to write files into.

    Folders that it created and that are still empty at the end are removed.

    Raises:
      InputError: the folder cannot be created.
    """
    path = os.fspath(path)
    check_name(path)
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
    """Moves a finished folder to `path`. An existing folder there is removed afterwards.

    The two folders exchange their names in one step, so that a folder exists under `path` at every moment.
    File systems that cannot exchange names (NFS and others) need two steps: a process that is killed between
    them leaves the old folder beside `path` as `<name>.old-<digits>`, where nothing removes it.

    Args:
      source: the finished folder, in the same parent folder as `path`.
      path: the new path.

    Raises:
      OSError: the folder cannot be moved; both folders are then unchanged.
    """
    source, path = Path(source), Path(path)
    if not os.path.lexists(path):
        os.replace(source, path)
    elif exchange_names(source, path):
        remove_tree(source)
    else:
        old = path.with_name(f"{os.fsdecode(os.fsencode(path.name)[:200])}.old-{secrets.token_hex(4)}")
        try:
            os.replace(path, old)
            os.replace(source, path)
        except BaseException:
            if os.path.lexists(old) and not os.path.lexists(path):
                os.replace(old, path)
            raise
        remove_tree(old)


def missing_folders(path: PathLike) -> list[Path]:
    """Returns the folder `path` and its parents as far as they do not exist, innermost first."""
    path = Path(os.path.abspath(path))
    return [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]


def remove_empty_folders(folders: Iterable[PathLike]) -> None:
    """Removes those of the folders, given innermost first, that exist and are empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def is_working_folder_deleted() -> bool:
    """Returns whether the current folder no longer exists."""
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _check_free(path: str, force: bool) -> None:
    check_name(path)
    if os.path.isdir(path):
        raise InputError(f"the output {path!r} is a folder: give the name of a file")
    stream = os.path.islink(path) and os.readlink(path).startswith("/proc/")  # such as /dev/stdout
    if os.path.lexists(path) and (stream or not os.path.isfile(path)):
        raise InputError(f"the output {path!r} exists and is not a regular file: choose another name")
    if os.path.lexists(path) and not force:
        raise InputError(
            f"the output {path!r} exists already: choose another name, or overwrite it with --force"
        )


@contextlib.contextmanager
def _written(path: str, data: bytes) -> Iterator[str]:
    """A temporary file with the content of the output `path`, in its folder; see `temporary_file`."""
    with contextlib.ExitStack() as stack:
        try:
            temporary = stack.enter_context(temporary_file(os.path.dirname(path), data))
        except (OSError, ValueError) as error:
            raise _not_written(path, error) from error
        yield temporary


def _extension(path: str) -> str:
    """The last two suffixes of a path as far as they are short; never empty."""
    suffixes = Path(path).suffixes[-2:]
    while suffixes and len(os.fsencode("".join(suffixes))) > _LONGEST_EXTENSION:
        suffixes.pop(0)
    return "".join(suffixes) or ".data"


def _not_written(path: str, error: OSError | ValueError) -> InputError:
    shown = path if len(path) <= _LONGEST_SHOWN else f"{path[:100]}...{path[-100:]}"
    if getattr(error, "errno", None) == errno.ENAMETOOLONG:
        return InputError(f"the output {shown!r} cannot be written: its name or path is too long")
    folder = os.path.dirname(path) or "."
    if isinstance(error, FileNotFoundError) and not os.path.isabs(folder) and is_working_folder_deleted():
        return InputError(f"the output {shown!r} cannot be written: the current folder has been deleted")
    missing = FileNotFoundError | NotADirectoryError | FileExistsError
    if isinstance(error, missing) and not os.path.isdir(folder):
        return InputError(f"the output {shown!r} cannot be written: there is no folder {folder!r}")
    reason = getattr(error, "strerror", None) or str(error)
    if found := _HDF5_REASON.search(reason):
        reason = found[1]
    return InputError(f"the output {shown!r} cannot be written: {reason}")
