"""Pairs from a data folder in the layout of `gfla_tf.data.layout`, or from shards."""

from __future__ import annotations

import dataclasses
import hashlib
import os

import numpy as np

from gfla_tf import arguments
from gfla_tf.batching.order import PairOrder, shuffled
from gfla_tf.batching.rows import RowReader
from gfla_tf.data.layout import SPLITS, Layout
from gfla_tf.data.pairs import PairDataset
from gfla_tf.data.pipeline import pair_reader
from gfla_tf.data.protocol import Protocol, read_protocol
from gfla_tf.data.shards.manifest import is_shards
from gfla_tf.data.shards.reader import read_shards_split
from gfla_tf.data.split import Split, read_folder_split
from gfla_tf.data.unreadable import UnreadableImages
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.files.names import other_file


class PairFolder(PairDataset):
    """Pairs of images of one person in a data folder; base class of `DeepFashion` and `Market1501`.

    The batches of a folder and of its shards (`gfla data build`) are the same, in the same order.

    Args:
      root: the data folder, or the shards folder.
      image_size: (H, W) to which images are resized (bilinear, antialiased) and keypoints are scaled.
      heatmap_sigma: standard deviation of the heatmaps' Gaussians, in pixels.
      max_unreadable: number of images that may be unreadable. A pair with such an image is replaced by
        another pair of the split, always the same one, and a warning with the path is logged once for each
        image. One more unreadable image ends the iteration.

    Raises:
      InputError: the folder is missing. The files of a split are checked when it is first used.
    """

    layout: Layout

    def __init__(
        self,
        root: PathLike,
        image_size: tuple[int, int],
        heatmap_sigma: float = 6.0,
        max_unreadable: int = 0,
    ):
        self.root = os.fspath(root)
        self.image_size = arguments.image_size(image_size, 1, 8192)
        self.heatmap_sigma = arguments.number("heatmap_sigma", heatmap_sigma, 0, 8192, strict=True)
        limit = arguments.integer("max_unreadable", max_unreadable, 0, 10**6)
        self._unreadable = UnreadableImages(limit)
        self._splits: dict[str, Split] = {}
        if not os.path.isdir(self.root):
            hint = other_file(self.root)
            raise InputError(f"the data folder {self.root!r} does not exist or is not a folder{hint}")

    @property
    def protocol(self) -> Protocol | None:
        """How the images were prepared, or None if that is not recorded.

        Raises:
          InputError: `protocol.json` exists but is invalid.
        """
        return read_protocol(self.root)

    def num_pairs(self, split: str) -> int:
        """The number of pairs of a split, "train" or "test"."""
        return len(self.load(split).pairs)

    def load(self, split: str) -> Split:
        """Reads and checks the lists of a split on first use.

        Raises:
          ValueError: an unknown split.
          InputError: a file is missing or malformed, a pair contains an image without annotation, or an image
            is missing or its name is a path outside the folder; the message contains file and line. For
            shards: they are damaged, of another layout or without this split.
        """
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
        if split not in self._splits:
            read = read_shards_split if is_shards(self.root) else read_folder_split
            data = read(self.root, self.layout, split)
            scale = np.array(self.image_size, np.float32) / np.array(self.layout.frame, np.float32)
            present = (data.keypoints >= 0).all(-1, keepdims=True)
            keypoints = np.where(present, data.keypoints * scale, np.float32(-1.0))
            self._splits[split] = dataclasses.replace(data, keypoints=keypoints)
        return self._splits[split]

    def row_reader(self, split: str, *, shuffle: bool, seed: int) -> RowReader:
        """Returns a reader of the pairs; see `PairDataset.row_reader`."""
        count = self.num_pairs(split)
        order = shuffled(count, seed) if shuffle else PairOrder(count)
        return pair_reader(self.load(split), self.image_size, order, self._unreadable)

    def fingerprint(self, split: str) -> str:
        """Returns a hash of the names and keypoints of a split's pairs."""
        data = self.load(split)
        digest = hashlib.sha256(data.keypoints[data.pairs].tobytes())
        digest.update(b"\0".join(os.fsencode(data.names[image]) for image in data.pairs.ravel().tolist()))
        return digest.hexdigest()
