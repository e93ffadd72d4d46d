"""The messages of the header of an object: dataspace, datatype, storage, filters, attributes (IV.A.2)."""

from __future__ import annotations

import dataclasses
import math
import struct

import numpy as np

from gfla_tf.hdf5.extents import UNDEFINED, StructureError

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
"""The numbers of the supported filters."""

_MAX_RANK = 32
_FLOATS = {  # size: the datatype message of a little-endian float after its class
    2: bytes.fromhex("200f00" "02000000" "0000" "1000" "0a" "05" "00" "0a" "0f000000"),
    4: bytes.fromhex("201f00" "04000000" "0000" "2000" "17" "08" "00" "17" "7f000000"),
    8: bytes.fromhex("203f00" "08000000" "0000" "4000" "34" "0b" "00" "34" "ff030000"),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Text:
    """The datatype of text: of `size` bytes, or of variable length in a global heap if `size` is None."""

    size: int | None

    @property
    def itemsize(self) -> int:
        """Bytes of one element in the dataset or attribute itself."""
        return 16 if self.size is None else self.size


@dataclasses.dataclass(frozen=True)
class Chunks:
    """Storage in chunks: their shape and the address of the B-tree that finds them."""

    shape: tuple[int, ...]
    address: int


class Fields:
    """Reads the fields of a structure one after another.

    Args:
      data: the structure.
      what: its name, for messages.
    """

    def __init__(self, data: bytes, what: str):
        self._data, self._what, self.position = data, what, 0

    def take(self, length: int) -> bytes:
        """Returns the next bytes."""
        part = self._data[self.position : self.position + length]
        if len(part) != length:
            raise StructureError(f"the {self._what} is truncated")
        self.position += length
        return part

    def integers(self, form: str) -> tuple[int, ...]:
        """Returns the next little-endian integers, in the format of `struct`."""
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def align(self) -> None:
        """Skips to the next multiple of 8 bytes."""
        self.take(-self.position % 8)

    def __len__(self):
        return len(self._data) - self.position


def dataspace(fields: Fields) -> tuple[int, ...]:
    """Reads a shape; that of a scalar is ()."""
    version, rank, flags = fields.integers("3B")
    if version == 1:
        fields.take(5)
    kind = fields.integers("B")[0] if version == 2 else int(rank > 0)
    if version not in (1, 2) or kind not in (0, 1) or (kind == 0) != (rank == 0):
        raise StructureError("a dataspace has an unsupported form")
    if rank > _MAX_RANK or flags & ~1:
        raise StructureError("a dataspace has too many dimensions")
    shape = fields.integers(f"{rank}Q")
    largest = fields.integers(f"{rank}Q") if flags & 1 else shape
    if any(size > most for size, most in zip(shape, largest, strict=True)):
        raise StructureError("a dataspace is larger than its maximum")
    if math.prod(max(size, 1) for size in shape) >= 2**48:
        raise StructureError("a dataspace has more than 2^48 elements")
    return shape


def datatype(fields: Fields) -> np.dtype | Text:
    """Reads the type of the elements: integers, floats and text.

    Keras writes bfloat16, which HDF5 does not have, as untyped values of 2 bytes.
    """
    (kind,) = fields.integers("B")
    version, kind = kind >> 4, kind & 15
    if version not in (1, 3):
        raise StructureError("a datatype has an unsupported version")
    first, second, third, size = fields.integers("3BI")
    bits = bytes((first, second, third))
    if kind == 0:
        offset, precision = fields.integers("2H")
        if first & ~9 or second or third or size not in (1, 2, 4, 8) or (offset, precision) != (0, 8 * size):
            raise StructureError("an integer type is not supported")
        order = ">" if first & 1 else "<"
        return np.dtype(f"{order}{'i' if first & 8 else 'u'}{size}")
    if kind == 1:
        found = bytes((first & ~1, second, third)) + size.to_bytes(4, "little") + fields.take(12)
        if found != _FLOATS.get(size):
            raise StructureError("a floating-point type is not supported")
        return np.dtype(f"{'>' if first & 1 else '<'}f{size}")
    if kind == 3 and first & 15 <= 2 and first >> 4 <= 1 and not second and not third and 0 < size < 2**16:
        return Text(size)
    if kind == 5 and bits == bytes(3) and size == 2:
        return np.dtype("V2")
    if kind == 9 and first & 15 == 1 and size == 16 and bits[1] <= 1 and not third:
        if datatype(fields) not in (Text(1), np.dtype("u1")):
            raise StructureError("a type of variable length is not text")
        return Text(None)
    raise StructureError("its values are neither integers, floats nor text")


def layout(fields: Fields) -> tuple[int, int] | Chunks | bytes:
    """Reads the storage: (address, length), `Chunks`, or the data itself if it is in the header."""
    version, kind = fields.integers("2B")
    if version != 3 or kind > 2:
        raise StructureError("it is stored in other files or in a newer format")
    if kind == 0:
        return fields.take(fields.integers("H")[0])
    if kind == 1:
        return fields.integers("2Q")
    rank, address = fields.integers("BQ")
    shape = fields.integers(f"{rank}I") if rank <= _MAX_RANK + 1 else ()
    if rank < 2 or not all(shape):
        raise StructureError("it has invalid chunks")
    return Chunks(shape[:-1], address)


def filters(fields: Fields) -> tuple[int, ...]:
    """Reads the numbers of the filters of a dataset, in the order of writing."""
    version, count = fields.integers("2B")
    if version != 1 or count > 32:
        raise StructureError("it has filters of an unsupported form")
    fields.take(6)
    found = []
    for _ in range(count):
        number, name, _, values = fields.integers("4H")
        fields.take(name + -name % 8)
        fields.take(4 * (values + values % 2))
        found.append(number)
    if len(set(found)) != len(found) or not set(found) <= {DEFLATE, SHUFFLE, FLETCHER32}:
        raise StructureError("it has an unsupported compression: use gzip or none")
    return tuple(found)


def check_fill_value(fields: Fields, old: bool) -> None:
    """Checks a fill value message, which is `old` or of versions 1 to 3."""
    if old:
        fields.take(fields.integers("I")[0])
        return
    version, first, second, third = fields.integers("4B") if len(fields) >= 4 else (0, 0, 0, 0)
    if version in (1, 2) and first in (1, 2, 3) and second in (0, 1, 2) and third in (0, 1):
        if version == 1 or third:
            fields.take(fields.integers("I")[0])
        return
    raise StructureError("a fill value has an unsupported form")


def check_link_info(fields: Fields) -> None:
    """Checks that the links of a group are messages of its header, not in a heap of their own."""
    version, flags = fields.integers("2B")
    if version or flags & ~3:
        raise StructureError("a group has an unsupported form")
    fields.take(8 * (flags & 1))
    if fields.integers("2Q") != (UNDEFINED, UNDEFINED):
        raise StructureError("a group has too many links in the newer format")


def attribute(fields: Fields) -> list[tuple[int, int, int]]:
    """Checks an attribute.

    Returns:
      The (length, address, index) of each of its texts of variable length in a global heap.
    """
    version, flags, name_size, type_size, space_size = fields.integers("2B3H")
    if version not in (1, 3) or (version == 3 and flags) or not name_size:
        raise StructureError("an attribute has an unsupported form")
    if version == 3:
        fields.take(1)
    parts = []
    for size in (name_size, type_size, space_size):
        parts.append(fields.take(size))
        if version == 1:
            fields.take(-size % 8)
    _, end, rest = parts[0].partition(b"\0")
    if not end or rest.strip(b"\0"):
        raise StructureError("the name of an attribute is not terminated")
    kind, shape = datatype(Fields(parts[1], "attribute")), dataspace(Fields(parts[2], "attribute"))
    count = math.prod(shape)
    data = Fields(fields.take(count * kind.itemsize), "attribute")
    texts = isinstance(kind, Text) and kind.size is None
    return [data.integers("IQI") for _ in range(count)] if texts else []
