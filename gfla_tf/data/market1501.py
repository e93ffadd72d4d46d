"""The dataset Market-1501 in the authors' layout, with their augmentation."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.data.augment import random_affine_pairs
from gfla_tf.data.folder import PairFolder
from gfla_tf.data.layout import MARKET1501
from gfla_tf.files import PathLike


class Market1501(PairFolder):
    """Pairs of street photographs of 128 x 64 pixels (h x w), which is also the keypoints' frame.

    The training split is augmented by `random_affine_pairs`, with new random maps in each epoch.

    Args:
      root: the data folder with `market-pairs-train.csv` etc. and the folders `train` and `test`, or a shards
        folder.
      image_size: (H, W) in pixels.
      heatmap_sigma: standard deviation of the heatmaps' Gaussians, in pixels.
      augment: whether the training split is augmented.
      max_unreadable: number of images that may be unreadable, as for `PairFolder`.

    Raises:
      InputError: as for `PairFolder`.
    """

    layout = MARKET1501

    def __init__(
        self,
        root: PathLike,
        image_size: tuple[int, int] = MARKET1501.image_size,
        heatmap_sigma: float = 6.0,
        augment: bool = True,
        max_unreadable: int = 0,
    ):
        super().__init__(root, image_size, heatmap_sigma, max_unreadable)
        self.augment = augment

    def _augments(self, split: str) -> bool:
        return self.augment and split == "train"

    def _augment(self, batch: dict[str, tf.Tensor], seed: int) -> dict[str, tf.Tensor]:
        return random_affine_pairs(batch, self.image_size, seed)
