"""Pairs from a folder in the layout of `gfla_tf.data.layout`, or from the shards built of one."""

from __future__ import annotations

import dataclasses
import functools
import os

import numpy as np
import tensorflow as tf

from gfla_tf.data.layout import SPLITS, Layout
from gfla_tf.data.pipeline import load_pairs
from gfla_tf.data.protocol import Protocol, read_protocol
from gfla_tf.data.shards.manifest import is_shards
from gfla_tf.data.shards.reader import read_shards_split
from gfla_tf.data.split import Split, read_folder_split
from gfla_tf.errors import InputError
from gfla_tf.pose.network_inputs import finish_batches


class PairFolder:
    """Pairs of images of one person; `DeepFashion` and `Market1501` say how theirs differ.

    The batches of a folder and of its shards (`gfla data build`) are the same, in the same order.

    Args:
      root: the data folder, or the shards folder.
      image_size: (H, W) to which images are resized (bilinear, antialiased) and keypoints are scaled.
      heatmap_sigma: of the poses' Gaussians, in pixels.

    Raises:
      InputError: the folder is missing. The files of a split are checked when it is first used.
    """

    layout: Layout

    def __init__(self, root, image_size: tuple[int, int], heatmap_sigma: float = 6.0):
        self.root = os.fspath(root)
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self.heatmap_sigma = heatmap_sigma
        self._splits: dict[str, Split] = {}
        if not os.path.isdir(self.root):
            raise InputError(f"the data folder {self.root!r} does not exist or is not a folder")

    @property
    def protocol(self) -> Protocol | None:
        """How the images were prepared, or None where that is not recorded; it belongs to every figure.

        Raises:
          InputError: `protocol.json` is there and is none.
        """
        return read_protocol(self.root)

    def num_pairs(self, split: str) -> int:
        """The number of pairs of "train" or "test"."""
        return len(self.load(split).pairs)

    def load(self, split: str) -> Split:
        """Reads and checks the lists of a split, once.

        Raises:
          ValueError: another split than "train" and "test".
          InputError: a file is missing or malformed, a pair names an image without annotation, or an image is
            not there or named so that it lies outside the folder; the sentence names file and line. Of
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

    def as_dataset(
        self,
        split: str,
        batch_size: int,
        *,
        shuffle: bool | None = None,
        seed: int = 0,
        repeat: bool = False,
        heatmaps: bool = True,
        scaled: bool = True,
        truth: bool = False,
    ) -> tf.data.Dataset:
        """Batched dicts of a split's pairs.

        Args:
          split: "train" or "test".
          batch_size: the last batch may be smaller.
          shuffle: None: only "train". A whole permutation, another one each epoch, decided by `seed`.
          repeat: endlessly.
          heatmaps: whether to draw the poses.
          scaled: False leaves the images uint8 [0, 255], for a training step that scales them on its device;
            an augmented split's are float32 in [-1, 1] always.
          truth: must be False: photographs have no true flow.

        Returns:
          `source_image`, `target_image` float32 [B, H, W, 3] in [-1, 1]; `source_keypoints`,
          `target_keypoints` float32 [B, 18, 2] (y, x) in pixels, (-1, -1) missing; `source_pose`,
          `target_pose` float32 [B, H, W, 18]. An image that cannot be read stops the iteration with an error
          that names it.
        """
        if truth:
            raise ValueError(f"{type(self).__name__} has no true flow: truth must be False")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        data = self.load(split)

        def load(numbers, *draws):
            batch = load_pairs(numbers, data, self.image_size)
            return {**batch, "draw": draws[0]} if draws else batch

        dataset = tf.data.Dataset.range(len(data.pairs))
        if split == "train" if shuffle is None else shuffle:
            dataset = dataset.shuffle(len(data.pairs), seed=seed, reshuffle_each_iteration=True)
        if repeat:
            dataset = dataset.repeat()
        augmented = self._augments(split)
        if augmented:
            draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
            dataset = tf.data.Dataset.zip((dataset, draws))
        return finish_batches(
            dataset.batch(batch_size),
            self.image_size,
            self.heatmap_sigma,
            heatmaps=heatmaps,
            scaled=scaled or augmented,
            load=load,
            transform=functools.partial(self._augment, seed=seed) if augmented else None,
        )

    def _augments(self, split: str) -> bool:
        """Whether a split's images and keypoints are moved at random."""
        return False

    def _augment(self, batch: dict, seed: int) -> dict:
        """Moves the images and keypoints of a batch by its `draw` [B], which it takes out."""
        raise NotImplementedError
