"""Heaps: of the names of a group, and of text of variable length (HDF5 format, III.D and III.E)."""

from __future__ import annotations

from gfla_tf.hdf5.extents import Extents, StructureError
from gfla_tf.hdf5.messages import Fields

_NO_BLOCK = 1  # ends the list of free blocks
_MAX_BYTES = 2**24


class LocalHeap:
    """The names of a group.

    Args:
      extents: the file.
      address: the address of the heap.

    Raises:
      StructureError: it is damaged.
    """

    def __init__(self, extents: Extents, address: int):
        fields = Fields(extents.read(address, 32, "names of a group"), "names of a group")
        magic, (version, _, _, _, size, free, data) = fields.take(4), fields.integers("4B3Q")
        if magic != b"HEAP" or version or size > _MAX_BYTES:
            raise StructureError("the names of a group are damaged")
        self._data = extents.read(data, size, "names of a group")
        seen = set()
        while free != _NO_BLOCK:
            if free in seen or free % 8 or free + 16 > size:
                raise StructureError("the names of a group are damaged")
            seen.add(free)
            free, length = Fields(self._data[free : free + 16], "names of a group").integers("2Q")
            if not 16 <= length <= size:
                raise StructureError("the names of a group are damaged")

    def text(self, offset: int) -> bytes:
        """Returns the bytes at an offset, up to the next zero."""
        end = self._data.find(b"\0", offset) if offset < len(self._data) else -1
        if end < 0:
            raise StructureError("a name of a group is not terminated")
        return self._data[offset:end]

    def name(self, offset: int) -> str:
        """Returns the name of an entry."""
        try:
            name = self.text(offset).decode("utf-8")
        except UnicodeDecodeError:
            raise StructureError("a name of a group is not UTF-8") from None
        if not name or "/" in name or name in (".", ".."):
            raise StructureError(f"{name[:60]!r} is not the name of an object")
        return name


class GlobalHeaps:
    """The collections of text of variable length, each of which is read once.

    Args:
      extents: the file.
    """

    def __init__(self, extents: Extents):
        self._extents = extents
        self._lengths = {}  # {address: {index: length}}

    def check(self, length: int, address: int, index: int) -> None:
        """Checks that a text of `length` bytes is the object `index` of the collection at `address`.

        Raises:
          StructureError: it is not, or the collection is damaged.
        """
        if not length and not address:
            return
        if address not in self._lengths:
            self._lengths[address] = self._read(address)
        if length > self._lengths[address].get(index, -1):
            raise StructureError("a text of variable length is damaged")

    def _read(self, address):
        what = "collection of texts"
        fields = Fields(self._extents.read(address, 16, what), what)
        magic, (version, _, _, _, size) = fields.take(4), fields.integers("4BQ")
        if magic != b"GCOL" or version != 1 or not 4096 <= size <= _MAX_BYTES:
            raise StructureError(f"a {what} is damaged")
        fields, lengths = Fields(self._extents.read(address + 16, size - 16, what), what), {}
        while len(fields) >= 16:
            rest = len(fields)
            index, _, _, length = fields.integers("2HIQ")
            if index == 0:
                if length != rest:
                    raise StructureError(f"the free space of a {what} is damaged")
                break
            if index in lengths:
                raise StructureError(f"a {what} has two objects of one index")
            lengths[index] = length
            fields.take(length + -length % 8)
        return lengths
