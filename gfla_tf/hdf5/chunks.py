"""The B-tree of a dataset that is stored in chunks (HDF5 format, III.A.1, node type 1)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gfla_tf.hdf5.extents import UNDEFINED, Extents, StructureError
from gfla_tf.hdf5.messages import Fields

MAX_CHUNK = 256 * 2**20
"""The largest size of a chunk in bytes."""

_CHILDREN = 64  # of a node


def check_chunks(
    extents: Extents,
    address: int,
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    itemsize: int,
    filters: tuple[int, ...],
) -> None:
    """Checks that the file contains every chunk of a dataset once, with a size that fits.

    Args:
      extents: the file.
      address: the address of the B-tree.
      shape: the shape of the dataset.
      chunk: the shape of a chunk.
      itemsize: bytes of an element.
      filters: the numbers of the filters.

    Raises:
      StructureError: chunks are missing, repeated or damaged, or larger than `MAX_CHUNK`.
    """
    size = math.prod(chunk) * itemsize
    if len(chunk) != len(shape) or size > MAX_CHUNK:
        raise StructureError(f"it has chunks of more than {MAX_CHUNK // 2**20} MiB, or of another rank")
    expected = math.prod(-(-side // step) for side, step in zip(shape, chunk, strict=True))
    largest = size + size // 100 + 1024 if filters else size
    found = set()
    for stored, mask, *corner in _chunks(extents, address, len(shape)):
        fits = 0 < stored <= largest and (filters or stored == size) and mask < 2 ** len(filters)
        inside = all(
            at < side and at % step == 0 for at, side, step in zip(corner, shape, chunk, strict=False)
        )
        if not fits or not inside or corner[-1]:
            raise StructureError("one of its chunks is damaged")
        found.add(tuple(corner))
    if len(found) != expected:
        raise StructureError(f"the file contains {len(found)} of its {expected} chunks")


def _chunks(extents: Extents, address: int, rank: int, level: int | None = None) -> Iterator[list[int]]:
    """Yields [stored size, filter mask, *corner, 0] of every chunk below a node."""
    if address == UNDEFINED and level is None:
        return
    key = np.dtype([("size", "<u4"), ("mask", "<u4"), ("corner", "<u8", rank + 1), ("child", "<u8")])
    length = 24 + _CHILDREN * key.itemsize + key.itemsize - 8
    data = extents.read(address, length, "B-tree of chunks")
    fields = Fields(data, "B-tree of chunks")
    magic, (kind, found, used, *_) = fields.take(4), fields.integers("2BH2Q")
    if magic != b"TREE" or kind != 1 or used > _CHILDREN or level not in (None, found) or found > 8:
        raise StructureError("the B-tree of chunks is damaged")
    for size, mask, corner, child in np.frombuffer(data, key, used, 24).tolist():
        if found:
            yield from _chunks(extents, child, rank, found - 1)
        else:
            extents.claim(child, size, "chunk of a dataset")
            yield [size, mask, *corner]
