"""The index of a split of a shards folder: names, keypoints, pairs and the positions of the images."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from gfla_tf.data.shards.manifest import (
    MAX_INDEX_BYTES,
    REMEDY,
    Manifest,
    SplitEntry,
    index_name,
    parse,
    reason,
)
from gfla_tf.errors import InputError
from gfla_tf.images.io import MAX_BYTES, read_file
from gfla_tf.pose.keypoints import NUM_KEYPOINTS

_COLUMNS = ("shard", "record", "size", "offset", "length", "crc32")
_MAX_OVERHEAD = 2**16  # bytes of a record without the image


@dataclass(frozen=True)
class SplitIndex:
    """A split of N images and P pairs.

    Attributes:
      names: names of the images, [N].
      keypoints: float32 [N, 18, 2] (y, x) in pixels of the layout's frame, (-1, -1) missing.
      pairs: int64 [P, 2], the indices of source and target.
      shard: int64 [N], the index of the image's shard; non-decreasing.
      record: int64 [N], the offset of the image's TFRecord in the shard, in bytes.
      size: int64 [N], the size of the record in bytes.
      offset: int64 [N], the offset of the image file in the record, in bytes.
      length: int64 [N], the size of the image file in bytes.
      crc32: int64 [N], the CRC-32 of the record.
    """

    names: list[str]
    keypoints: np.ndarray
    pairs: np.ndarray
    shard: np.ndarray
    record: np.ndarray
    size: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    crc32: np.ndarray

    def to_json(self) -> bytes:
        """Returns the content of the index file; integral keypoints are written as integers."""
        flat = self.keypoints.reshape(len(self.names), -1).tolist()
        values = {
            "names": self.names,
            "keypoints": [[int(v) if v.is_integer() else v for v in row] for row in flat],
            "pairs": self.pairs.tolist(),
            **{name: getattr(self, name).tolist() for name in _COLUMNS},
        }
        return (json.dumps(values, separators=(",", ":")) + "\n").encode()


def read_index(root: str, manifest: Manifest, split: str) -> SplitIndex:
    """Reads and checks a split's index.

    Raises:
      InputError: the shards have no such split, or its index is damaged or does not match the shards.
    """
    if split not in manifest.splits:
        raise InputError(f"the shards {root!r} have no split {split!r}: {REMEDY} from a folder that has it")
    path = os.path.join(root, index_name(split))
    data = read_file(path, MAX_INDEX_BYTES, "index of the shards")
    if hashlib.sha256(data).hexdigest() != manifest.files[index_name(split)].sha256:
        raise InputError(f"{path!r} is damaged: its checksum is wrong; {REMEDY}")
    values = parse(data, path)
    try:
        return _index(values, manifest, manifest.splits[split])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path!r} is not an index of shards ({reason(error)}): {REMEDY}") from error


def _index(values: dict[str, Any], manifest: Manifest, entry: SplitEntry) -> SplitIndex:
    count = entry.images
    names = values["names"]
    if not isinstance(names, list) or len(names) != count or not all(isinstance(n, str) for n in names):
        raise ValueError(f"'names' must be {count} names")
    keypoints = np.asarray(values["keypoints"])
    if keypoints.dtype.kind not in "if" or keypoints.shape != (count, NUM_KEYPOINTS * 2):
        raise ValueError(f"'keypoints' must be {count} x {NUM_KEYPOINTS * 2} numbers")
    if not (np.abs(keypoints) < 1e6).all():
        raise ValueError("a keypoint is not a pixel position")
    sizes = np.array([manifest.files[name].bytes for name in entry.shards], np.int64)
    largest = int(sizes.max())
    limits = {
        "shard": len(sizes) - 1,
        "record": largest,
        "size": MAX_BYTES + _MAX_OVERHEAD,
        "offset": _MAX_OVERHEAD,
        "length": MAX_BYTES,
        "crc32": 2**32 - 1,
    }
    columns = {name: _integers(values, name, (count,), limit) for name, limit in limits.items()}
    if (columns["record"] + columns["size"] > sizes[columns["shard"]]).any():
        raise ValueError("a record exceeds its shard")
    if (columns["offset"] + columns["length"] > columns["size"]).any():
        raise ValueError("an image exceeds its record")
    if (np.diff(columns["shard"]) < 0).any():
        raise ValueError("the images are not in the order of their shards")
    return SplitIndex(
        names=names,
        keypoints=keypoints.astype(np.float32).reshape(count, NUM_KEYPOINTS, 2),
        pairs=_integers(values, "pairs", (entry.pairs, 2), count - 1),
        **columns,
    )


def _integers(values: dict[str, Any], name: str, shape: tuple[int, ...], most: int) -> np.ndarray:
    """Converts `values[name]` to int64 of `shape`, each in 0 .. `most`."""
    numbers = np.asarray(values[name])
    if numbers.dtype.kind != "i" or numbers.shape != shape:
        raise ValueError(f"{name!r} must be {' x '.join(map(str, shape))} integers")
    if ((numbers < 0) | (numbers > most)).any():
        raise ValueError(f"a number of {name!r} is out of its range")
    return numbers.astype(np.int64)
