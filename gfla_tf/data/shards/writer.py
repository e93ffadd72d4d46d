"""Writes one shard of images, unless an earlier build has finished the same."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from gfla_tf.data.shards.manifest import FileEntry
from gfla_tf.data.shards.reader import file_checksum
from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path, replace_file
from gfla_tf.images.header import HeaderError
from gfla_tf.images.io import MAX_BYTES, decode_image, read_file

_HEAD = 12  # of a TFRecord: its length and the length's checksum; 4 bytes of the data's checksum follow it
_FOOT = 4


@dataclass(frozen=True)
class Picture:
    """One image on its way into a shard.

    `keypoints` is float32 [18, 2] (y, x) in pixels of `frame` (H, W); `size` in bytes and `changed` in
    nanoseconds are its file's when the build began.
    """

    path: str
    name: str
    keypoints: np.ndarray
    frame: tuple[int, int]
    size: int
    changed: int


@dataclass(frozen=True)
class Shard:
    """One shard to write: the name of its file, and its pictures in order."""

    name: str
    pictures: list[Picture]

    def key(self) -> str:
        """A checksum of all that decides the shard's bytes."""
        digest = hashlib.sha256(self.name.encode())
        for picture in self.pictures:
            facts = [picture.path, picture.name, picture.frame, picture.size, picture.changed]
            digest.update(json.dumps(facts).encode())
            digest.update(picture.keypoints.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Written:
    """A finished shard: its file's entry, and of each picture record, size, offset, length, CRC-32 [N, 5]."""

    entry: FileEntry
    places: list[list[int]]
    kept: bool = False


class Stopped(Exception):
    """The build was given up while this shard was written."""


def write_shard(folder: str, shard: Shard, step) -> Written:
    """Writes a shard beside its place and renames it, or keeps the one that an earlier build finished.

    Args:
      folder: where shards and their records (`<shard>.done`) go.
      shard: what to write.
      step: called after each image; may raise `Stopped`.

    Raises:
      InputError: an image changed since the build began, or is none, or the disk is full.
    """
    done = _finished(folder, shard)
    if done is not None:
        for _ in shard.pictures:
            step()
        return done
    path = os.path.join(folder, shard.name)
    places = []
    try:
        with atomic_path(path) as temporary:
            with tf.io.TFRecordWriter(os.fspath(temporary)) as writer:
                for picture in shard.pictures:
                    data = _read(picture)
                    record = _example(picture, data)
                    places.append([_HEAD + len(record) + _FOOT, _HEAD + record.index(data), len(data)])
                    writer.write(record)
                    step()
            written = _read_back(temporary, places)
    except tf.errors.OpError as error:
        raise InputError(f"the shard {path!r} cannot be written: {error.message}") from error
    values = {"key": shard.key(), "entry": vars(written.entry), "places": written.places}
    replace_file(f"{path}.done", json.dumps(values).encode())
    return written


def _read(picture: Picture) -> bytes:
    """The bytes of an image file that is still as it was and can be decoded."""
    data = read_file(picture.path, MAX_BYTES, "image")
    if len(data) != picture.size:
        raise InputError(f"the image {picture.path!r} changed while the shards were built: build them again")
    try:
        decode_image(data)
    except HeaderError as error:
        raise InputError(f"the image {picture.path!r} {error}") from error
    return data


def _example(picture: Picture, data: bytes) -> bytes:
    """The record: the same bytes each time, for its entries are sorted."""
    features = {
        "image/encoded": _bytes(data),
        "image/name": _bytes(picture.name.encode()),
        "keypoints/y": _floats(picture.keypoints[:, 0]),
        "keypoints/x": _floats(picture.keypoints[:, 1]),
        "keypoints/frame": tf.train.Feature(int64_list=tf.train.Int64List(value=picture.frame)),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _floats(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values.tolist()))


def _read_back(path: str, places: list[list[int]]) -> Written:
    """Checksums of a shard and its records, from the disk; `places` are [size, offset, length] of each."""
    digest = hashlib.sha256()
    position, whole = 0, []
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        for size, offset, length in places:
            record = file.read(size)
            if len(record) != size or int.from_bytes(record[:8], "little") != size - _HEAD - _FOOT:
                raise InputError(f"the shard {os.fspath(path)!r} is incomplete: is the disk full?")
            digest.update(record)
            whole.append([position, size, offset, length, zlib.crc32(record)])
            position += size
    return Written(FileEntry(position, digest.hexdigest()), whole)


def _finished(folder: str, shard: Shard) -> Written | None:
    """The shard as an earlier build left it, if that is whole and its images are still the same."""
    path = os.path.join(folder, shard.name)
    try:
        with open(f"{path}.done") as file:
            values = json.load(file)
        if values["key"] != shard.key():
            return None
        entry = FileEntry(**values["entry"])
        if file_checksum(path) != entry.sha256:
            return None
        return Written(entry, values["places"], kept=True)
    except (OSError, InputError, ValueError, KeyError, TypeError):
        return None
