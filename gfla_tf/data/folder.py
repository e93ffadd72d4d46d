"""A folder of images with pair and annotation CSVs in the layout of `gfla_tf.data.layout`."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from gfla_tf.data.keypoints import read_annotations
from gfla_tf.data.layout import SPLITS, check_inside, find_csv, read_pairs
from gfla_tf.data.pipeline import finish_batches, load_image
from gfla_tf.errors import InputError


@dataclass(frozen=True)
class FolderSplit:
    """Image `paths` [N], their `keypoints` float32 [N, 18, 2] (resized pixels), and `pairs` int64 [P, 2]."""

    paths: list[str]
    keypoints: np.ndarray
    pairs: np.ndarray


class PairFolder:
    """Pairs of images of one person, from a folder; `DeepFashion` and `Market1501` say how theirs differ.

    Args:
      root: the folder.
      image_size: (H, W) to which images are resized (bilinear, antialiased) and keypoints are scaled.
      heatmap_sigma: of the poses' Gaussians, in pixels.

    Raises:
      InputError: the folder is missing. The files of a split are checked when it is first used.
    """

    prefixes: tuple[str, ...] = ()
    keypoint_frame: tuple[int, int] = (0, 0)

    def __init__(self, root, image_size: tuple[int, int], heatmap_sigma: float = 6.0):
        self.root = os.fspath(root)
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self.heatmap_sigma = heatmap_sigma
        self._splits: dict[str, FolderSplit] = {}
        if not os.path.isdir(self.root):
            raise InputError(f"the data folder {self.root!r} does not exist or is not a folder")

    def num_pairs(self, split: str) -> int:
        """The number of pairs of "train" or "test"."""
        return len(self.load(split).pairs)

    def load(self, split: str) -> FolderSplit:
        """Reads and checks the CSV files of a split, once.

        Raises:
          ValueError: another split than "train" and "test".
          InputError: a file is missing or malformed, a pair names an image without annotation, or an image is
            not there or named so that it lies outside the folder; the sentence names file and line.
        """
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
        if split not in self._splits:
            self._splits[split] = self._read_split(split)
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
        truth: bool = False,
    ) -> tf.data.Dataset:
        """Batched dicts of a split's pairs.

        Args:
          split: "train" or "test".
          batch_size: the last batch may be smaller.
          shuffle: None: only "train". A whole permutation, another one each epoch, decided by `seed`.
          repeat: endlessly.
          heatmaps: whether to draw the poses.
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
        paths, keypoints, pairs = (tf.constant(part) for part in (data.paths, data.keypoints, data.pairs))

        def sample(index, draw):
            first, second = pairs[index, 0], pairs[index, 1]
            return {
                "source_image": load_image(paths[first], self.image_size),
                "target_image": load_image(paths[second], self.image_size),
                "source_keypoints": keypoints[first],
                "target_keypoints": keypoints[second],
                "draw": draw,
            }

        dataset = tf.data.Dataset.range(len(data.pairs))
        if split == "train" if shuffle is None else shuffle:
            dataset = dataset.shuffle(len(data.pairs), seed=seed, reshuffle_each_iteration=True)
        if repeat:
            dataset = dataset.repeat()
        draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
        dataset = tf.data.Dataset.zip((dataset, draws)).map(sample, num_parallel_calls=tf.data.AUTOTUNE)
        return finish_batches(
            dataset.batch(batch_size),
            self.image_size,
            self.heatmap_sigma,
            heatmaps=heatmaps,
            transform=lambda batch: self._transform(batch, split, seed),
        )

    def _transform(self, batch: dict, split: str, seed: int) -> dict:
        """Takes `draw` [B] out of the batch; a dataset with augmentation uses it."""
        return {name: value for name, value in batch.items() if name != "draw"}

    def _read_split(self, split: str) -> FolderSplit:
        rows = read_annotations(find_csv(self.root, self.prefixes, "annotation", split))
        pairs_path = find_csv(self.root, self.prefixes, "pairs", split)
        places: dict[str, int] = {}
        pairs = []
        for number, names in read_pairs(pairs_path):
            for name in names:
                if name not in places:
                    self._check_name(name, split, rows, f"{pairs_path!r}, line {number}")
                    places[name] = len(places)
            pairs.append([places[name] for name in names])
        if not pairs:
            raise InputError(f"{pairs_path!r} holds no pair")
        scale = np.array(self.image_size, np.float32) / np.array(self.keypoint_frame, np.float32)
        points = np.stack([rows[name] for name in places])
        points = np.where((points >= 0).all(-1, keepdims=True), points * scale, np.float32(-1.0))
        paths = [os.path.join(self.root, split, name) for name in places]
        return FolderSplit(paths, points.astype(np.float32), np.array(pairs, np.int64))

    def _check_name(self, name: str, split: str, rows: dict, where: str) -> None:
        check_inside(name, where)
        if name not in rows:
            raise InputError(f"{where}: the image {name!r} has no row in the annotation file of {split!r}")
        if not os.path.isfile(os.path.join(self.root, split, name)):
            raise InputError(f"{where}: there is no image {os.path.join(self.root, split, name)!r}")
