"""Checks of untrusted zip archives before their entries are extracted or read by other code."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterable

from gfla_tf.errors import InputError

MAX_BYTES = 2 * 2**30
"""The largest size of a file and of its tensors. VGG19, the largest supported network, has 0.55 GB."""

_MAX_RATIO = 10  # of weights; noise in float32 compresses by a tenth
_UNPACKED_BYTES = 2**24  # allowed with any ratio
_MAX_DIRECTORY_BYTES = 2**22  # zipfile reads the whole directory into memory
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


class _Guarded(io.FileIO):
    """A file that raises an error when a very large part of it is read at once."""

    def read(self, size=-1):
        remaining = os.fstat(self.fileno()).st_size - self.tell()
        if min(remaining, size if size is not None and size >= 0 else remaining) > _MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its directory is too large")
        return super().read(size)


def entries(path: str | os.PathLike) -> list[zipfile.ZipInfo]:
    """Reads the directory of an archive.

    Raises:
      InputError: The archive is truncated or damaged, or it has duplicate or hidden entries, which different
        readers interpret differently.
    """
    try:
        with _Guarded(path) as file, zipfile.ZipFile(file) as archive:
            found = archive.infolist()
    except _DAMAGE as error:
        raise InputError(f"{path} is truncated or damaged: {reason(error)}; download it again") from error
    names = {entry.filename.casefold() for entry in found}
    if len(names) != len(found) or not found or min(entry.header_offset for entry in found) != 0:
        raise InputError(f"{path} is an archive with duplicate or hidden entries")
    return found


def check_contents(
    path: str | os.PathLike, found: Iterable[zipfile.ZipInfo], compressed: bool, most: int = MAX_BYTES
) -> None:
    """Checks the sizes and checksums of an archive's entries in bounded memory.

    Args:
      path: The archive.
      found: Its `entries`.
      compressed: Whether entries may be compressed; those of PyTorch never are.
      most: The largest sum of their sizes, if compressed.

    Raises:
      InputError: The entries declare more bytes than the file has (or, if compressed, than `most` or ten
        times its size), an entry is encrypted, or a checksum is wrong.
    """
    declared = sum(entry.file_size for entry in found)
    size = os.path.getsize(path)
    limit = min(most, _UNPACKED_BYTES + _MAX_RATIO * size) if compressed else size
    if declared > limit:
        raise InputError(f"{path} is an archive whose entries declare {declared} bytes, more than possible")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged: {reason(error)}; download it again") from error
    if damaged is not None:
        raise InputError(f"{path} is damaged: the checksum of its {damaged} is wrong; download it again")


def reason(error: Exception) -> str:
    """Returns the first line of an exception's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
