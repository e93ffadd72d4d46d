"""Temporary files and folders beside an output: locked while in use, and removed if their process died.

The name of all of them is `.<16 hexadecimal digits>.part`. An output that another library writes has this
name with an extension, and an empty file without the extension carries its lock.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import resource
import secrets
import shutil
import stat
from collections.abc import Iterator

from gfla_tf.errors import InputError
from gfla_tf.files.locks import is_open_at, try_lock

_NAME = re.compile(r"(\.[0-9a-f]{16}\.part)(\.[^.]+){0,2}")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_FOLDERS = 1024  # whose temporary files were looked for once in this process


@contextlib.contextmanager
def temporary_file(folder: str, data: bytes) -> Iterator[str]:
    """Context manager for a new file in `folder`, written to the disk, that is removed at the end.

    Yields its path. The block may rename the file.

    Raises:
      OSError: the file cannot be written.
    """
    path, handle = _create(folder, lambda path: os.open(path, _NEW, 0o666))
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(handle)


def check_space(folder: str | os.PathLike, size: int) -> None:
    """Checks that a new file of `size` bytes can be written to `folder`.

    HDF5 ends the process with a segmentation fault if it cannot write a file, so the space is checked first.

    Raises:
      InputError: the disk has less free space, or the process may not write files of this size.
      OSError: the folder does not exist.
    """
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if size > free:
        raise InputError(
            f"the folder {os.fspath(folder) or '.'!r} has {free / 2**20:,.1f} MiB of free space, and "
            f"{size / 2**20:,.1f} MiB are needed: No space left on device"
        )
    if largest not in (resource.RLIM_INFINITY, -1) and size > largest:
        raise InputError(f"files of {size / 2**20:,.1f} MiB exceed the limit of this process (ulimit -f)")


@contextlib.contextmanager
def second_name(path: str) -> Iterator[str]:
    """Context manager for a temporary second name of an existing file; a copy, if there are no hard links.

    Raises:
      OSError: there is neither.
    """
    folder = os.path.dirname(path)
    name = _new_name(folder)
    try:
        os.link(path, name, follow_symlinks=False)
    except (OSError, NotImplementedError):
        with open(path, "rb") as file:
            data = file.read()
        with temporary_file(folder, data) as name:
            yield name
        return
    handle = None
    try:
        with contextlib.suppress(OSError):  # a file that cannot be read has no lock
            handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            try_lock(handle)
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        if handle is not None:
            os.close(handle)


@contextlib.contextmanager
def temporary_folder(folder: str) -> Iterator[str]:
    """Context manager for a new folder in `folder`, removed at the end with its files; yields its path.

    The block may rename it or exchange it for another folder, which is then removed.

    Raises:
      OSError: the folder cannot be created.
    """

    def create(path: str) -> int:
        os.mkdir(path)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    path, handle = _create(folder, create)
    try:
        yield path
    finally:
        remove_tree(path)
        os.close(handle)


def flush_file(path: str | os.PathLike) -> None:
    """Waits until the content of a file is on the disk.

    Raises:
      OSError: it cannot be written there.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def apply_permissions(folder: str | os.PathLike) -> None:
    """Gives the folders inside a new folder its permissions, those of the umask; TensorFlow uses others.

    Raises:
      OSError: the permissions cannot be changed.
    """
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    for parent, names, _ in os.walk(folder):
        for path in (os.path.join(parent, name) for name in names):
            if not os.path.islink(path):
                os.chmod(path, mode)


def remove_tree(path: str | os.PathLike) -> None:
    """Removes a file, a link or a folder with its files, as far as possible."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def is_temporary(name: str) -> bool:
    """Returns whether a file name is that of a temporary file or folder of this module."""
    return _NAME.fullmatch(name) is not None


def remove_temporary_files(folder: str | os.PathLike) -> None:
    """Removes the temporary files and folders in `folder` that processes left when they were killed.

    Those that a running process uses are locked, and remain.

    Raises:
      OSError: the folder cannot be listed.
    """
    groups: dict[str, list[str]] = {}
    for name in os.listdir(folder):
        if found := _NAME.fullmatch(name):
            groups.setdefault(found[1], []).append(os.path.join(folder, name))
    for name, members in groups.items():
        with _lock_abandoned(os.path.join(folder, name)) as abandoned:
            for path in members if abandoned else ():
                remove_tree(path)


@contextlib.contextmanager
def _lock_abandoned(path):
    """Locks a temporary file or folder; yields whether no running process uses it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield not os.path.lexists(path)  # the file with the lock is removed last
        return
    try:
        yield try_lock(handle) is True
    finally:
        os.close(handle)


def _create(folder, create):
    """Returns (path, descriptor) of a new locked file or folder."""
    _remove_once(os.path.abspath(folder))
    while True:
        path = _new_name(folder)
        handle = create(path)
        if try_lock(handle) is None or is_open_at(handle, path):  # else removed between its creation and lock
            return path, handle
        os.close(handle)


def _new_name(folder):
    return os.path.join(folder, f".{secrets.token_hex(8)}.part")


@functools.lru_cache(_FOLDERS)
def _remove_once(folder):
    with contextlib.suppress(OSError):
        remove_temporary_files(folder)
