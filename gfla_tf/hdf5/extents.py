"""Reading of the parts of a file at given addresses, each of which may be read once."""

from __future__ import annotations

import os
from typing import BinaryIO

UNDEFINED = 2**64 - 1
"""The address of a part that the file does not have."""


class StructureError(ValueError):
    """The structure of a file is damaged or not supported. The message is the reason.

    Attributes:
      name: the object of the file, or "".
    """

    def __init__(self, reason: str, name: str = ""):
        super().__init__(reason)
        self.name = name


class Extents:
    """The parts of a file that its structures occupy.

    Args:
      file: the file, opened in binary mode.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self._used, self._starts = [], set()

    def read(self, address: int, length: int, what: str) -> bytes:
        """Reads `length` bytes of a structure and records that they are used.

        Raises:
          StructureError: they are not in the file.
        """
        self.claim(address, length, what)
        data = os.pread(self._file.fileno(), length, address)
        if len(data) != length:
            raise StructureError(f"the {what} is truncated")
        return data

    def claim(self, address: int, length: int, what: str) -> None:
        """Records that bytes of the file are used.

        Raises:
          StructureError: they are not in the file.
        """
        if address > self.size or length > self.size - address:
            raise StructureError(f"the {what} is outside the file")
        if length and address in self._starts:
            raise StructureError(f"the {what} is used twice")
        if length:
            self._starts.add(address)
            self._used.append((address, address + length, what))

    def check_disjoint(self) -> None:
        """Checks that no byte was used twice: the file declares no more than it contains, and has no cycles.

        Raises:
          StructureError: two parts overlap.
        """
        end, before = 0, ""
        for start, stop, what in sorted(self._used):
            if start < end:
                raise StructureError(f"the {before} and the {what} overlap")
            end, before = stop, what
