"""Zip archives from anywhere, checked before anything inside is unpacked or handed to another reader."""

import io
import os
import zipfile
import zlib

from gfla_tf.errors import InputError

MAX_BYTES = 2 * 2**30
"""Of a file, and of the tensors in it; VGG19, the largest network read here, has 0.55 GB."""

_MAX_DIRECTORY_BYTES = 2**22  # zipfile reads the directory whole
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


class _Guarded(io.FileIO):
    """A file that refuses to be read in one very large piece."""

    def read(self, size=-1):
        left = os.fstat(self.fileno()).st_size - self.tell()
        if min(left, size if size is not None and size >= 0 else left) > _MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its directory is too large")
        return super().read(size)


def entries(path):
    """The entries of an archive as `zipfile.ZipInfo`s; only its directory is read.

    Raises:
      InputError: no whole archive, or one with names that two readers could take for different entries.
    """
    try:
        with _Guarded(path) as file, zipfile.ZipFile(file) as archive:
            found = archive.infolist()
    except _DAMAGE as error:
        raise InputError(f"{path} is cut short or damaged: {reason(error)}; get the file again") from error
    names = {entry.filename.casefold() for entry in found}
    if len(names) != len(found) or not found or min(entry.header_offset for entry in found) != 0:
        raise InputError(f"{path} is an archive with double or hidden entries, which no honest program makes")
    return found


def check_contents(path, found, compressed):
    """Checks sizes and checksums of an archive's entries, in bounded memory.

    Args:
      path: the archive.
      found: its `entries`.
      compressed: whether entries may be compressed; those of PyTorch never are.

    Raises:
      InputError: entries that claim more than the file holds, or, compressed, than `MAX_BYTES`; encrypted
        ones; a wrong checksum.
    """
    claimed = sum(entry.file_size for entry in found)
    limit = MAX_BYTES if compressed else os.path.getsize(path)
    if claimed > limit:
        raise InputError(f"{path} is an archive whose entries claim {claimed} bytes, more than they can have")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged: {reason(error)}; get the file again") from error
    if damaged is not None:
        raise InputError(f"{path} is damaged: the checksum of its {damaged} is wrong; get the file again")


def reason(error):
    """The first line of what an exception says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
