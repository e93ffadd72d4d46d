"""Base class of the datasets of image pairs."""

from __future__ import annotations

import abc

import tensorflow as tf

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
    ) -> tf.data.Dataset:
        """Returns batches of a split's pairs.

        Args:
          split: "train" or "test".
          batch_size: number of pairs per batch; the last batch may be smaller.
          shuffle: whether to shuffle, differently in each epoch; by default only "train" is shuffled.
          seed: the random seed of shuffling and augmentation.
          repeat: whether to repeat the split indefinitely.
          heatmaps: whether to add the pose heatmaps.
          scaled: if False, the images stay uint8 in [0, 255], for a training step that scales them on its
            device. Augmented images are always float32 in [-1, 1].
          truth: must be False, because photographs have no ground-truth flow.

        Returns:
          A dataset of dicts: `source_image`, `target_image` float32 [B, H, W, 3] in [-1, 1];
          `source_keypoints`, `target_keypoints` float32 [B, 18, 2] (y, x) in pixels, (-1, -1) missing;
          `source_pose`, `target_pose` float32 [B, H, W, 18]. An image that cannot be read ends the iteration
          with an error that contains its path.

        Raises:
          ValueError: an unknown split, a batch size below 1, or `truth` is True.
          InputError: the split is missing or invalid.
        """
        if truth:
            raise ValueError(f"{type(self).__name__} has no ground-truth flow: truth must be False")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        pairs = self._pairs(split)
        if split == "train" if shuffle is None else shuffle:
            pairs = pairs.shuffle(self._shuffle_buffer(split), seed=seed, reshuffle_each_iteration=True)
        if repeat:
            pairs = pairs.repeat()
        return self._batches(pairs, split, batch_size, seed=seed, heatmaps=heatmaps, scaled=scaled)

    @abc.abstractmethod
    def _pairs(self, split: str) -> tf.data.Dataset:
        """A dataset with one element per pair, in the split's order."""

    def _shuffle_buffer(self, split: str) -> int:
        """The number of pairs from which the next one is drawn."""
        return self.num_pairs(split)

    def _batches(
        self, pairs: tf.data.Dataset, split: str, batch_size: int, *, seed: int, heatmaps: bool, scaled: bool
    ) -> tf.data.Dataset:
        """Converts the elements of `_pairs` to the batches of `as_dataset`."""
        batches = pairs.batch(batch_size)
        return finish_batches(batches, self.image_size, self.heatmap_sigma, heatmaps=heatmaps, scaled=scaled)
