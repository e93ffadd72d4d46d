"""Writing of one shard of images, and detection of shards that an interrupted build finished."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from gfla_tf.data.shards.manifest import FileEntry
from gfla_tf.data.shards.reader import file_checksum
from gfla_tf.documents import parse_json
from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path, replace_file
from gfla_tf.images.header import HeaderError
from gfla_tf.images.io import MAX_BYTES, decode_image, read_file

_HEADER = 12  # bytes of a TFRecord before its data: the length and its checksum
_FOOTER = 4  # bytes after its data: the checksum


@dataclass(frozen=True)
class ShardImage:
    """One image to be written to a shard.

    Attributes:
      path: the path of the image file.
      name: the name of the image.
      keypoints: float32 [18, 2] (y, x) in pixels of `frame`.
      frame: (H, W) in pixels.
      size: the size of the file in bytes when the build began.
      modified: its modification time in nanoseconds when the build began.
    """

    path: str
    name: str
    keypoints: np.ndarray
    frame: tuple[int, int]
    size: int
    modified: int


@dataclass(frozen=True)
class Shard:
    """One shard to be written: its file name and its images in order."""

    name: str
    images: list[ShardImage]

    def key(self) -> str:
        """Returns a checksum of everything that determines the shard's content."""
        digest = hashlib.sha256(self.name.encode())
        for image in self.images:
            facts = [image.path, image.name, image.frame, image.size, image.modified]
            digest.update(json.dumps(facts).encode())
            digest.update(image.keypoints.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Written:
    """A finished shard.

    Attributes:
      entry: size and checksum of the file.
      positions: [record, size, offset, length, crc32] of each image, as in `SplitIndex`.
      kept: whether an interrupted build had finished the shard.
    """

    entry: FileEntry
    positions: list[list[int]]
    kept: bool = False


class BuildStopped(Exception):
    """The build was stopped while this shard was written."""


def write_shard(folder: str, shard: Shard, step: Callable[[], None]) -> Written:
    """Writes a shard atomically, or keeps the one that an interrupted build finished.

    Args:
      folder: the folder of the shards and of their records `<shard>.done`.
      shard: the shard to be written.
      step: called after each image; may raise `BuildStopped`.

    Raises:
      InputError: an image changed since the build began or is invalid, or the disk is full.
    """
    done = _finished(folder, shard)
    if done is not None:
        for _ in shard.images:
            step()
        return done
    path = os.path.join(folder, shard.name)
    spans = []
    try:
        with atomic_path(path) as temporary:
            with tf.io.TFRecordWriter(os.fsencode(temporary)) as writer:
                for image in shard.images:
                    data = _read(image)
                    record = _example(image, data)
                    spans.append([_HEADER + len(record) + _FOOTER, _HEADER + record.index(data), len(data)])
                    writer.write(record)
                    step()
            written = _read_back(temporary, spans)
    except tf.errors.OpError as error:
        raise InputError(f"the shard {path!r} cannot be written: {error.message}") from error
    values = {"key": shard.key(), "entry": vars(written.entry), "positions": written.positions}
    replace_file(f"{path}.done", json.dumps(values).encode())
    return written


def _read(image: ShardImage) -> bytes:
    """Reads an image file and checks that it has not changed and can be decoded."""
    data = read_file(image.path, MAX_BYTES, "image")
    if len(data) != image.size:
        raise InputError(f"the image {image.path!r} changed during the build: build the shards again")
    try:
        decode_image(data)
    except HeaderError as error:
        raise InputError(f"the image {image.path!r} {error}") from error
    return data


def _example(image: ShardImage, data: bytes) -> bytes:
    """Returns the record. Its entries are sorted, so that its bytes are deterministic."""
    features = {
        "image/encoded": _bytes(data),
        "image/name": _bytes(image.name.encode()),
        "keypoints/y": _floats(image.keypoints[:, 0]),
        "keypoints/x": _floats(image.keypoints[:, 1]),
        "keypoints/frame": tf.train.Feature(int64_list=tf.train.Int64List(value=image.frame)),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _floats(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values.tolist()))


def _read_back(path: Path, spans: list[list[int]]) -> Written:
    """Reads the shard from the disk and computes checksums; `spans` are [size, offset, length] per record."""
    digest = hashlib.sha256()
    position, positions = 0, []
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        for size, offset, length in spans:
            record = file.read(size)
            if len(record) != size or int.from_bytes(record[:8], "little") != size - _HEADER - _FOOTER:
                raise InputError(f"the shard {os.fspath(path)!r} is incomplete: is the disk full?")
            digest.update(record)
            positions.append([position, size, offset, length, zlib.crc32(record)])
            position += size
    return Written(FileEntry(position, digest.hexdigest()), positions)


def _finished(folder: str, shard: Shard) -> Written | None:
    """Returns the shard of an interrupted build, if it is complete and its images are unchanged."""
    path = os.path.join(folder, shard.name)
    try:
        with open(f"{path}.done", "rb") as file:
            values = parse_json(file.read())
        if values["key"] != shard.key():
            return None
        entry = FileEntry(**values["entry"])
        if file_checksum(path) != entry.sha256:
            return None
        return Written(entry, values["positions"], kept=True)
    except (OSError, InputError, ValueError, KeyError, TypeError):
        return None
