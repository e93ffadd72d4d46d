"""Locks on files and folders, which the system releases when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from pathlib import Path
from typing import Self

from gfla_tf.errors import InputError


def try_lock(handle: int) -> bool | None:
    """Locks an open file or folder until the descriptor is closed or the process ends, without waiting.

    Args:
      handle: a file descriptor.

    Returns:
      True if it is locked now, False if another descriptor holds the lock, and None if the file system has
      no locks (for example, folders on NFS).
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_open_at(handle: int, path: str | os.PathLike) -> bool:
    """Returns whether `path` is still the name of an open file or folder."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


class FolderLock:
    """Context manager that reserves a folder for this process, by a locked file in it.

    The file contains the process number and the host, and is removed at the end. If the process is killed,
    the file remains without its lock, and the next process uses it. On a file system without locks, a process
    is considered running if its number is in use on this host, or if it ran on another host.

    Args:
      folder: the folder, which must exist.
      name: the name of the file.

    Raises:
      InputError: another process uses the folder.
      OSError: the file cannot be written.

    Attributes:
      path: the file.
      abandoned: whether a process that was killed had left the file.
    """

    def __init__(self, folder: str | os.PathLike, name: str):
        self.path = Path(folder) / name
        self._handle = None
        while True:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                self.abandoned = self._lock()
            except BaseException:
                os.close(self._handle)
                self._handle = None  # of another process: its file remains
                raise
            if is_open_at(self._handle, self.path):  # otherwise its last user has just removed it
                break
            os.close(self._handle)
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        """Removes the file and releases the lock. Later calls do nothing."""
        if self._handle is None:
            return
        if is_open_at(self._handle, self.path):
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        os.close(self._handle)
        self._handle = None

    def _lock(self) -> bool:
        """Locks the file; returns whether it names an earlier process."""
        locked = try_lock(self._handle)
        number, _, host = os.pread(self._handle, 300, 0).decode(errors="replace").strip().partition(" ")
        if locked or (locked is None and not _may_be_running(number, host)):
            return bool(number)
        holder = f"process {number} on {host}" if number else "another process"
        remedy = "" if locked is False else f", or delete {self.path} if it has ended"
        raise InputError(f"{self.path.parent} is in use by {holder}: wait for it to end, or stop it{remedy}")


def _may_be_running(number: str, host: str) -> bool:
    if not number.isdecimal() or host != socket.gethostname():
        return bool(number)
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
