"""The walk through the groups and datasets of an HDF5 file, in the format that h5py writes by default."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Collection, Iterator

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.hdf5 import groups, messages
from gfla_tf.hdf5.chunks import check_chunks
from gfla_tf.hdf5.extents import UNDEFINED, Extents, StructureError
from gfla_tf.hdf5.headers import Header, read_header
from gfla_tf.hdf5.heaps import GlobalHeaps

MAGIC = b"\x89HDF\r\n\x1a\n"
"""The first bytes of an HDF5 file."""

_MAX_DEPTH = 32
_SUPERBLOCK = 96  # bytes


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A dataset of an HDF5 file.

    Attributes:
      shape: its shape.
      dtype: the type of its elements.
      chunks: the shape of its chunks; None if its storage is contiguous.
      filters: the numbers of its filters.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...] | None
    filters: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """The number of bytes that it needs in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_structure(
    path: str | os.PathLike, wanted: Collection[str] | None = None, what: str | None = None
) -> dict[str, Dataset]:
    """Reads which datasets an HDF5 file contains, without their data, and checks every structure on the way.

    The HDF5 library does not survive all damaged files: it can crash, run forever, or allocate what a small
    file only declares. A file that passes declares no more uncompressed data than it contains: structures and
    data do not overlap, all data is in the file itself, and no object has two names.

    Args:
      path: the file.
      wanted: names of datasets, like "train/source_image": only they and the groups on the way are read, and
        missing ones are skipped. None reads all.
      what: name of the file in messages; by default its path.

    Returns:
      {name: dataset}.

    Raises:
      InputError: the file cannot be read, is not an HDF5 file, is damaged, or uses a feature of the format
        that is not supported, like links, or a newer format, as h5py writes with libver="latest".
    """
    what = repr(os.fspath(path)) if what is None else what
    try:
        with open(path, "rb") as file:
            extents = Extents(file)
            found = dict(_walk(extents, wanted))
            extents.check_disjoint()
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror or error}") from error
    except StructureError as error:
        if error.name:
            raise InputError(f"{error.name} of {what} is damaged or not supported: {error}") from error
        raise InputError(f"{what} is not an HDF5 file, or is damaged: {error}") from error
    return found


def _walk(extents: Extents, wanted: Collection[str] | None) -> Iterator[tuple[str, Dataset]]:
    group_sizes, root = _superblock(extents)
    heaps = GlobalHeaps(extents)
    pending = [("", root)]
    while pending:
        name, entry = pending.pop()
        with _of(name):
            header = read_header(extents, entry.address, heaps)
        if header.is_group:
            for child in groups.entries(extents, header, entry, group_sizes):
                path = f"{name}/{child.name}" if name else child.name
                if _is_wanted(path, wanted):
                    if child.address is None:
                        if wanted is None:
                            raise StructureError(f"{path!r} is a link")
                        continue
                    if path.count("/") >= _MAX_DEPTH:
                        raise StructureError("its groups are nested too deeply")
                    pending.append((path, child))
        elif wanted is None or name in wanted:
            with _of(name):
                dataset = _dataset(extents, header, name)
            yield name, dataset


@contextlib.contextmanager
def _of(name: str) -> Iterator[None]:
    """Context manager that adds the name of an object to the reason."""
    try:
        yield
    except StructureError as error:
        raise StructureError(str(error), name) from error


def _is_wanted(path, wanted):
    return wanted is None or any(one == path or one.startswith(f"{path}/") for one in wanted)


def _superblock(extents):
    """Returns the (leaf, internal) sizes of groups, and the entry of the root group."""
    if extents.size < _SUPERBLOCK:
        raise StructureError("it is too short")
    fields = messages.Fields(extents.read(0, _SUPERBLOCK, "superblock"), "superblock")
    if fields.take(8) != MAGIC:
        raise StructureError("it does not begin as an HDF5 file")
    versions = fields.integers("8B")
    if versions[0] in (1, 2, 3):
        raise StructureError("it is in a newer format: write it with h5py's default libver")
    if versions != (0, 0, 0, 0, 0, 8, 8, 0):
        raise StructureError("its superblock has an unsupported form")
    leaf, internal, flags, base, free, end, driver = fields.integers("2HI4Q")
    if not 0 < leaf <= 512 or not 0 < internal <= 512 or flags or base or (free, driver) != (UNDEFINED,) * 2:
        raise StructureError("its superblock has an unsupported form")
    if end > extents.size:
        raise StructureError("it is truncated")
    extents.size = end
    return (leaf, internal), groups.symbol(fields, lambda offset: "")


def _dataset(extents: Extents, header: Header, name: str) -> Dataset:
    shape, dtype, storage = header.shape, header.dtype, header.layout
    if shape is None or dtype is None or storage is None:
        raise StructureError("it is neither a group nor a dataset")
    if not isinstance(dtype, np.dtype):
        raise StructureError("it contains text, not numbers")
    found = Dataset(shape, dtype, None, header.filters)
    if isinstance(storage, messages.Chunks):
        found = dataclasses.replace(found, chunks=storage.shape)
        check_chunks(extents, storage.address, shape, storage.shape, dtype.itemsize, header.filters)
        return found
    if header.filters:
        raise StructureError("it has filters without chunks")
    if isinstance(storage, bytes):
        stored = len(storage)
    else:
        address, stored = storage
        if address != UNDEFINED:
            extents.claim(address, stored, f"data of {name!r}")
        elif found.nbytes:
            raise StructureError(f"it declares {found.nbytes} bytes that the file does not contain")
    if stored != found.nbytes:
        raise StructureError(f"it declares {found.nbytes} bytes and has {stored}")
    return found
