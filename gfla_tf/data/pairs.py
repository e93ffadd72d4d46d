"""Base class of the datasets of image pairs."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable

import tensorflow as tf

from gfla_tf.batching.positions import batch_positions
from gfla_tf.batching.rows import RowReader
from gfla_tf.data.protocol import Protocol
from gfla_tf.pose.network_inputs import finish_batches


class PairDataset(abc.ABC):
    """Pairs of images of one person, with keypoints.

    Attributes:
      root: the path of the folder or file.
      image_size: (H, W) of the images, in pixels.
      heatmap_sigma: standard deviation of the heatmaps' Gaussians, in pixels.
    """

    root: str
    image_size: tuple[int, int]
    heatmap_sigma: float

    @property
    @abc.abstractmethod
    def protocol(self) -> Protocol | None:
        """How the images were prepared, or None if that is not recorded."""

    @abc.abstractmethod
    def num_pairs(self, split: str) -> int:
        """The number of pairs of a split, "train" or "test"."""

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
        start: int = 0,
        shard: tuple[int, int] | None = None,
        served: Callable[[RowReader], RowReader] | None = None,
    ) -> tf.data.Dataset:
        """Returns batches of a split's pairs.

        Batch k is a function of the dataset, `seed` and k alone. An epoch contains each pair once.

        Args:
          split: "train" or "test".
          batch_size: number of pairs per batch. Without `repeat`, the last batch may be smaller.
          shuffle: whether to shuffle, differently in each epoch; by default only "train" is shuffled.
          seed: the random seed of shuffling and augmentation.
          repeat: whether to repeat the split indefinitely. All batches are then full: a batch may contain the
            last pairs of an epoch and the first ones of the next, and every iteration begins with the first
            epoch. Otherwise an iteration is one epoch, and the next iteration is the next epoch.
          heatmaps: whether to add the pose heatmaps.
          scaled: if False, the images stay uint8 in [0, 255], for a training step that scales them on its
            device. Augmented images are always float32 in [-1, 1].
          truth: must be False, because photographs have no ground-truth flow.
          start: the number of the first batch, counted from the first epoch with `repeat`, and in each epoch
            without. It takes the same time for every `start`.
          shard: (index, shards): only part `index` of the rows of each batch, for one of several workers.
            The parts, one after the other, are the batch; they are of equal length if `shards` divides the
            number of rows, and otherwise differ by one row (`gfla_tf.batching.positions`).
          served: replaces the result of `row_reader`, for the data service.

        Returns:
          A dataset of dicts: `source_image`, `target_image` float32 [B, H, W, 3] in [-1, 1];
          `source_keypoints`, `target_keypoints` float32 [B, 18, 2] (y, x) in pixels, (-1, -1) missing;
          `source_pose`, `target_pose` float32 [B, H, W, 18]. An image that cannot be read ends the iteration
          with an error that contains its path.

        Raises:
          ValueError: an unknown split, a batch size below 1, a negative `seed` or `start`, an invalid
            `shard`, or `truth` is True.
          InputError: the split is missing or invalid.
        """
        if truth:
            raise ValueError(f"{type(self).__name__} has no ground-truth flow: truth must be False")
        positions = batch_positions(
            self.num_pairs(split), batch_size, repeat=repeat, start=start, shard=shard
        )
        shuffle = split == "train" if shuffle is None else shuffle
        reader = self.row_reader(split, shuffle=shuffle, seed=seed)
        reader = reader if served is None else served(reader)
        augment = functools.partial(self._augment, seed=seed) if self._augments(split) else None

        def load(positions: tf.Tensor) -> dict[str, tf.Tensor]:
            batch = reader(positions)
            return batch if augment is None else {**batch, "draw": positions}

        return finish_batches(
            positions,
            self.image_size,
            self.heatmap_sigma,
            load=load,
            parallel=reader.parallel,
            heatmaps=heatmaps,
            scaled=scaled or augment is not None,
            transform=augment,
        )

    @abc.abstractmethod
    def row_reader(self, split: str, *, shuffle: bool, seed: int) -> RowReader:
        """Returns a reader of `source_image`, `target_image` uint8, `source_keypoints`, `target_keypoints`.

        Raises:
          ValueError: an unknown split.
          InputError: the split is missing or invalid.
        """

    @abc.abstractmethod
    def fingerprint(self, split: str) -> str:
        """Returns a hash of the lists and keypoints of a split; a folder and its shards have the same."""

    def _augments(self, split: str) -> bool:
        """Whether the images and keypoints of a split are augmented."""
        return False

    def _augment(self, batch: dict[str, tf.Tensor], seed: int) -> dict[str, tf.Tensor]:
        """Augments a batch with the random numbers `draw` [B], which are removed from it."""
        raise NotImplementedError
