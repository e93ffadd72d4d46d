"""The header of an object: a list of messages (HDF5 format, IV.A.1)."""

from __future__ import annotations

import dataclasses

import numpy as np

from gfla_tf.hdf5 import messages
from gfla_tf.hdf5.extents import Extents, StructureError
from gfla_tf.hdf5.heaps import GlobalHeaps

_NIL, _SPACE, _LINK_INFO, _TYPE, _OLD_FILL, _FILL, _LINK, _EXTERNAL, _LAYOUT = 0, 1, 2, 3, 4, 5, 6, 7, 8
_GROUP_INFO, _FILTERS, _ATTRIBUTE, _CONTINUATION, _SYMBOLS, _TIME = 10, 11, 12, 16, 17, 18
_REPEATED = (_NIL, _LINK, _ATTRIBUTE, _CONTINUATION)
_FLAGS = 0x31  # constant, and the marks of programs that did not know a message
_MAX_BLOCKS = 1000


@dataclasses.dataclass
class Header:
    """The messages of an object that this package reads.

    Attributes:
      shape: of a dataset.
      dtype: of a dataset.
      layout: the storage of a dataset; see `messages.layout`.
      filters: of a dataset.
      symbols: (B-tree, heap), the addresses of the symbol table of a group.
      links: the link messages of a group, which has them instead of a symbol table.
      is_group: whether the object is a group.
    """

    shape: tuple[int, ...] | None = None
    dtype: np.dtype | messages.Text | None = None
    layout: tuple[int, int] | messages.Chunks | bytes | None = None
    filters: tuple[int, ...] = ()
    symbols: tuple[int, int] | None = None
    links: list[messages.Fields] = dataclasses.field(default_factory=list)
    is_group: bool = False


def read_header(extents: Extents, address: int, heaps: GlobalHeaps) -> Header:
    """Reads the header of an object and checks its attributes.

    Raises:
      StructureError: it is damaged or has unsupported messages.
    """
    fields = messages.Fields(extents.read(address, 16, "object header"), "object header")
    version, _, count, _, size, _ = fields.integers("2BH3I")
    if version != 1:
        raise StructureError("an object header has an unsupported version")
    blocks, header, seen = [(address + 16, size)], Header(), []
    for start, length in blocks:  # continuation messages add blocks
        block = messages.Fields(extents.read(start, length, "object header"), "object header")
        while len(block):
            kind, size, flags, *_ = block.integers("2H4B")
            body = messages.Fields(block.take(size), "message of an object header")
            if size % 8 or flags & ~_FLAGS:
                raise StructureError("a message of an object header has an unsupported form")
            if kind in seen and kind not in _REPEATED:
                raise StructureError("a message of an object header is repeated")
            seen.append(kind)
            if kind == _CONTINUATION:
                blocks.append(body.integers("2Q"))
            else:
                _apply(header, kind, body, heaps)
        if len(blocks) > _MAX_BLOCKS:
            raise StructureError("an object header has too many blocks")
    if len(seen) != count:
        raise StructureError(f"an object header has {len(seen)} messages instead of {count}")
    header.is_group = header.symbols is not None or _LINK_INFO in seen
    if header.is_group and {_SPACE, _TYPE, _LAYOUT} & set(seen):
        raise StructureError("an object is both a group and a dataset")
    return header


def _apply(header, kind, body, heaps):
    """Reads a message into the header."""
    if kind == _SPACE:
        header.shape = messages.dataspace(body)
    elif kind == _TYPE:
        header.dtype = messages.datatype(body)
    elif kind == _LAYOUT:
        header.layout = messages.layout(body)
    elif kind == _FILTERS:
        header.filters = messages.filters(body)
    elif kind in (_FILL, _OLD_FILL):
        messages.check_fill_value(body, old=kind == _OLD_FILL)
    elif kind == _ATTRIBUTE:
        for text in messages.attribute(body):
            heaps.check(*text)
    elif kind == _SYMBOLS:
        header.symbols = body.integers("2Q")
    elif kind == _LINK:
        header.links.append(body)
    elif kind == _LINK_INFO:
        messages.check_link_info(body)
    elif kind == _EXTERNAL:
        raise StructureError("it is stored in other files")
    elif kind not in (_NIL, _GROUP_INFO, _TIME):
        raise StructureError(f"an object header has a message of the unsupported kind {kind}")
