"""The files of a shards folder, and the manifest that describes them.

    shards.json                       the manifest: layout, counts, and each file's size and SHA-256
    <split>.json                      a split's index: names, keypoints, pairs and positions of the images
    <split>-00000-of-00003.tfrecord   TFRecords of tf.train.Example: an image file and its keypoints
    protocol.json                     the protocol of a prepared folder (`gfla_tf.data.protocol`), if recorded

Each image is stored once and read by its position, so that pairs can be read in any order. All values are
checked, because a shards folder may come from an untrusted source.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import Any

from gfla_tf.data.layout import LAYOUTS, SPLITS
from gfla_tf.data.protocol import FILE_NAME as PROTOCOL
from gfla_tf.documents import DocumentError, parse_json
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_file

MANIFEST = "shards.json"
MAX_INDEX_BYTES = 64 * 2**20
"""Size limit of a manifest or index; the index of DeepFashion's 48,674 training images has about 12 MiB."""

_FORMAT = "gfla_tf shards"
_VERSION = 1
_SHARD_NAME = re.compile(rf"({'|'.join(SPLITS)})-\d{{5}}-of-\d{{5}}\.tfrecord")
REMEDY = "build the shards again"
"""The remedy for damaged files, for messages."""


@dataclass(frozen=True)
class FileEntry:
    """Size in bytes and SHA-256 (hexadecimal) of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class SplitEntry:
    """Numbers of images and pairs of a split, and the names of its shards."""

    images: int
    pairs: int
    shards: list[str]


@dataclass(frozen=True)
class Manifest:
    """The contents of a shards folder; `files` contains all files except the manifest, by name."""

    layout: str
    splits: dict[str, SplitEntry]
    files: dict[str, FileEntry]

    def to_json(self) -> bytes:
        """Returns the content of the manifest file, with its own checksum."""
        values = {
            "format": _FORMAT,
            "version": _VERSION,
            "layout": self.layout,
            "frame": list(LAYOUTS[self.layout].frame),
            "splits": {name: vars(entry) for name, entry in self.splits.items()},
            "files": {name: vars(entry) for name, entry in self.files.items()},
        }
        return (json.dumps({**values, "sha256": _checksum(values)}, indent=1) + "\n").encode()


def index_name(split: str) -> str:
    """Returns the file name of a split's index."""
    return f"{split}.json"


def is_shards(root: str) -> bool:
    """Whether a folder is a shards folder, that is, has a manifest."""
    return os.path.lexists(os.path.join(root, MANIFEST))


def read_manifest(root: str) -> Manifest:
    """Reads and checks the manifest, and the existence and size of all files.

    Raises:
      InputError: the manifest or a file is missing, damaged or of another version.
    """
    path = os.path.join(root, MANIFEST)
    values = parse(read_file(path, MAX_INDEX_BYTES, "manifest of the shards"), path)
    if values.get("format") != _FORMAT:
        raise InputError(f"{path!r} is not the manifest of shards: {REMEDY}")
    if values.get("version") != _VERSION:
        raise InputError(f"{path!r} has another version than {_VERSION}, which this program reads: {REMEDY}")
    if values.pop("sha256", None) != _checksum(values):
        raise InputError(f"{path!r} is damaged: its checksum is wrong; {REMEDY}")
    try:
        manifest = _manifest(values)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path!r} is not the manifest of shards ({reason(error)}): {REMEDY}") from error
    for name, entry in manifest.files.items():
        _check_size(os.path.join(root, name), entry)
    return manifest


def parse(data: bytes, path: str) -> dict[str, Any]:
    """Parses a JSON object; an `InputError` contains the path."""
    try:
        values = parse_json(data, nonfinite=True)
    except DocumentError as error:
        raise InputError(f"{path!r} is damaged: it is not a JSON file ({error}); {REMEDY}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path!r} is damaged: it contains no JSON object; {REMEDY}")
    return values


def reason(error: Exception) -> str:
    """Describes an invalid value of a file, for messages."""
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)[:100]


def _manifest(values: dict[str, Any]) -> Manifest:
    files = {}
    for name, entry in values["files"].items():
        known = name == PROTOCOL or _SHARD_NAME.fullmatch(name) or name in map(index_name, SPLITS)
        if not known or not _is_count(entry["bytes"]) or not isinstance(entry["sha256"], str):
            raise ValueError("an entry of 'files' is invalid")
        files[name] = FileEntry(entry["bytes"], entry["sha256"])
    splits = {}
    for name, entry in values["splits"].items():
        shards = entry["shards"]
        if name not in SPLITS or not _is_count(entry["images"]) or not _is_count(entry["pairs"]):
            raise ValueError("an entry of 'splits' is invalid")
        if not isinstance(shards, list) or not shards or len(set(shards)) < len(shards):
            raise ValueError("a list of 'shards' is invalid")
        if index_name(name) not in files or any(
            shard not in files or not shard.startswith(f"{name}-") for shard in shards
        ):
            raise ValueError("a file of a split is not among 'files'")
        splits[name] = SplitEntry(entry["images"], entry["pairs"], shards)
    if values["layout"] not in LAYOUTS or not splits:
        raise ValueError("its layout or its splits are invalid")
    if values["frame"] != list(LAYOUTS[values["layout"]].frame):
        raise ValueError("its keypoints are in another frame than its layout's")
    return Manifest(values["layout"], splits, files)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**48


def _checksum(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _check_size(path: str, entry: FileEntry) -> None:
    if not os.path.isfile(path):
        raise InputError(f"the shards have no file {path!r}: copy it again, or {REMEDY}")
    size = os.path.getsize(path)
    if size != entry.bytes:
        raise InputError(
            f"{path!r} has {size:,} bytes, but {entry.bytes:,} in the manifest: copy it again, or {REMEDY}"
        )
