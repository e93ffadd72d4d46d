"""Reading of shards: images by their position, with a check of each record."""

from __future__ import annotations

import hashlib
import os
import weakref
import zlib
from collections.abc import Callable

import numpy as np

from gfla_tf.data.layout import Layout
from gfla_tf.data.shards.index import SplitIndex, read_index
from gfla_tf.data.shards.manifest import MANIFEST, REMEDY, Manifest, index_name, read_manifest
from gfla_tf.data.split import Split
from gfla_tf.errors import InputError
from gfla_tf.images.header import HeaderError, read_header
from gfla_tf.images.io import decode_image, decode_jpeg, is_plain_jpeg
from gfla_tf.pose.frame import check_keypoints

_CHUNK = 2**20


class ShardImages:
    """The images of a split in its shards.

    Args:
      paths: the paths of the shards.
      index: the positions of the images in the shards.

    Raises:
      InputError: a shard cannot be opened.
    """

    def __init__(self, paths: list[str], index: SplitIndex):
        self._paths = paths
        self._index = index
        self._known = bytearray(len(index.names))  # 1: checked to be a complete, plain JPEG file
        self._files: list[int] = []
        weakref.finalize(self, _close, self._files)
        for path in paths:
            try:
                self._files.append(os.open(path, os.O_RDONLY))
            except OSError as error:
                raise InputError(f"the shard {path!r} cannot be opened: {error.strerror}") from error
        handles = [self._files[shard] for shard in index.shard]
        columns = (index.record.tolist(), index.size.tolist(), index.crc32.tolist())
        self._records = list(zip(handles, *columns, strict=True))
        self._spans = list(zip(index.offset.tolist(), index.length.tolist(), strict=True))

    def read(self, number: int, out: np.ndarray | None = None) -> np.ndarray:
        """See `gfla_tf.data.split.Images.read`.

        The checksum of the record is checked on each read, the header of the image on the first one.

        Raises:
          InputError: the record is damaged or contains no image; the message contains shard and record.
        """
        data = self.read_record(number)
        if data is None:
            raise InputError(f"{self.where(number)} is damaged: copy the shard again, or {REMEDY}")
        begin, length = self._spans[number]
        if out is not None and self._known[number] and decode_jpeg(data, begin, length, out):
            return out
        image = data[begin : begin + length]
        try:
            self._known[number] = is_plain_jpeg(read_header(image))
            return decode_image(image, out=out)
        except HeaderError as error:
            raise InputError(f"{self.where(number)} (image {self._index.names[number]!r}) {error}") from error

    def read_record(self, number: int) -> bytes | None:
        """Reads the TFRecord of image `number`; returns None if it is damaged."""
        file, record, size, checksum = self._records[number]
        try:
            data = os.pread(file, size, record)
        except OSError:
            return None
        return data if zlib.crc32(data) == checksum and len(data) == size else None

    def where(self, number: int) -> str:
        """Describes the position of image `number`: its shard and its record, counted from 0."""
        shard = self._index.shard[number]
        record = number - int(np.searchsorted(self._index.shard, shard))
        return f"record {record} of the shard {self._paths[shard]!r}"


def read_shards_split(root: str, layout: Layout, split: str) -> Split:
    """Reads a split of a shards folder; its keypoints are in pixels of `layout.frame`.

    Raises:
      InputError: the folder is damaged, has no such split or is of another layout, or the keypoints are not
        in pixels of the layout's frame.
    """
    manifest = read_manifest(root)
    if manifest.layout != layout.name:
        raise InputError(f"the shards {root!r} are of the layout {manifest.layout!r}, not of {layout.name!r}")
    index = read_index(root, manifest, split)
    where = f"the split {split!r} of the shards {root!r}"
    check_keypoints(index.keypoints, layout.frame, where, lambda number: f"the image {index.names[number]!r}")
    return Split(index.names, index.keypoints, index.pairs, _images(root, manifest, split, index))


def verify_shards(root: str, progress: Callable[[int, int], None] | None = None) -> list[str]:
    """Compares every file of a shards folder with its checksum.

    Args:
      root: the folder.
      progress: called as progress(bytes done, all bytes).

    Returns:
      One message per damaged file, with the first damaged record of a shard.

    Raises:
      InputError: the folder has no manifest, or it is damaged.
    """
    manifest = read_manifest(root)
    total = sum(entry.bytes for entry in manifest.files.values())
    done = 0
    damaged = []
    for name, entry in manifest.files.items():
        if file_checksum(os.path.join(root, name)) != entry.sha256:
            damaged.append(name)
        done += entry.bytes
        if progress is not None:
            progress(done, total)
    return [_locate(root, manifest, name, damaged) for name in damaged]


def file_checksum(path: str) -> str:
    """Returns the SHA-256 of a file in hexadecimal; an `InputError` if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{path!r} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _locate(root: str, manifest: Manifest, name: str, damaged: list[str]) -> str:
    """Describes the damage of a file whose checksum is wrong."""
    path = os.path.join(root, name)
    for split, entry in manifest.splits.items():
        if name not in entry.shards or index_name(split) in damaged:
            continue
        index = read_index(root, manifest, split)
        images = _images(root, manifest, split, index)
        for number in np.flatnonzero(index.shard == entry.shards.index(name)):
            if images.read_record(number) is None:
                return f"{images.where(number)} is damaged (image {index.names[number]!r})"
    return f"{path!r} is not the file that {MANIFEST} describes: its checksum is wrong"


def _images(root: str, manifest: Manifest, split: str, index: SplitIndex) -> ShardImages:
    return ShardImages([os.path.join(root, name) for name in manifest.splits[split].shards], index)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
