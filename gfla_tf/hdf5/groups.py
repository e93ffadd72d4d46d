"""The entries of a group: in a symbol table, or in link messages (HDF5 format, III.A.1, III.B, IV.A.2.g)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from gfla_tf.hdf5.extents import Extents, StructureError
from gfla_tf.hdf5.headers import Header
from gfla_tf.hdf5.heaps import LocalHeap
from gfla_tf.hdf5.messages import Fields

_ENTRY = 40  # bytes of an entry of a symbol table


@dataclasses.dataclass(frozen=True)
class Entry:
    """An entry of a group.

    Attributes:
      name: its name.
      address: of the header of its object; None for a link.
      symbols: the addresses of the symbol table that the entry repeats for a group, if it does.
    """

    name: str
    address: int | None
    symbols: tuple[int, int] | None = None


def entries(extents: Extents, header: Header, entry: Entry, sizes: tuple[int, int]) -> list[Entry]:
    """Reads the entries of a group.

    Args:
      extents: the file.
      header: the header of the group.
      entry: the entry of the group in its parent.
      sizes: half the number of symbols in a leaf, and of children in a node of the B-tree.

    Raises:
      StructureError: the group is damaged, or two entries have one name.
    """
    if header.symbols is not None and entry.symbols not in (None, header.symbols):
        raise StructureError(f"the group {entry.name!r} has two symbol tables")
    if header.symbols is None:
        found = [_link(fields) for fields in header.links]
    else:
        tree, heap = header.symbols
        names = LocalHeap(extents, heap)
        found = list(_node(extents, tree, names, sizes, None))
    if len({one.name for one in found}) != len(found):
        raise StructureError(f"two entries of the group {entry.name!r} have one name")
    return found


def symbol(fields: Fields, name: Callable[[int], str]) -> Entry:
    """Reads an entry of a symbol table; `name` returns the name at an offset of the heap."""
    offset, address, cached, _, first, second = fields.integers("2Q2I2Q")
    if cached > 2:
        raise StructureError("an entry of a group has an unsupported form")
    return Entry(name(offset), None if cached == 2 else address, (first, second) if cached == 1 else None)


def _node(
    extents: Extents, address: int, names: LocalHeap, sizes: tuple[int, int], level: int | None
) -> Iterator[Entry]:
    """Yields the entries below a node of the B-tree of a group; `level` is the expected one."""
    leaf, internal = sizes
    fields = Fields(extents.read(address, 24 + 8 * (4 * internal + 1), "B-tree of a group"), "B-tree")
    magic, (kind, found, used, *_) = fields.take(4), fields.integers("2BH2Q")
    if magic != b"TREE" or kind or used > 2 * internal or level not in (None, found) or found > 8:
        raise StructureError("the B-tree of a group is damaged")
    for _ in range(used):
        key, child = fields.integers("2Q")
        names.text(key)
        if found:
            yield from _node(extents, child, names, sizes, found - 1)
        else:
            yield from _leaf(extents, child, names, leaf)
    if used:
        names.text(fields.integers("Q")[0])


def _leaf(extents, address, names, size):
    fields = Fields(extents.read(address, 8 + 2 * size * _ENTRY, "symbols of a group"), "symbols of a group")
    magic, (version, _, used) = fields.take(4), fields.integers("2BH")
    if magic != b"SNOD" or version != 1 or used > 2 * size:
        raise StructureError("the symbols of a group are damaged")
    return [symbol(fields, names.name) for _ in range(used)]


def _link(fields: Fields) -> Entry:
    """Reads a link message."""
    version, flags = fields.integers("2B")
    if version != 1 or flags & ~0x1F:
        raise StructureError("a link has an unsupported form")
    (kind,) = fields.integers("B") if flags & 8 else (0,)
    if flags & 4:
        fields.take(8)
    if flags & 16 and fields.integers("B")[0] > 1:
        raise StructureError("the name of a link has an unsupported encoding")
    (length,) = fields.integers("BHIQ"[flags & 3])
    try:
        name = fields.take(length).decode("utf-8")
    except UnicodeDecodeError:
        raise StructureError("the name of a link is not UTF-8") from None
    if kind:
        return Entry(name, None)
    return Entry(name, fields.integers("Q")[0])
