"""Exchange of the names of two files or folders in one step."""

from __future__ import annotations

import ctypes
import errno
import os

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux


def exchange_names(first: str | os.PathLike, second: str | os.PathLike) -> bool:
    """Exchanges the names of two files or folders in one step, if the file system can.

    Returns:
      Whether they were exchanged.

    Raises:
      OSError: they cannot be exchanged for another reason.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second))
    if rename(*names, _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), os.fspath(second))
