"""Market-1501, in the authors' layout, with their augmentation."""

from __future__ import annotations

from gfla_tf.data.augment import random_affine_pairs
from gfla_tf.data.folder import PairFolder
from gfla_tf.data.layout import MARKET1501


class Market1501(PairFolder):
    """Pairs of street photographs of 128 x 64 pixels (h x w), which is the keypoints' frame too.

    The training split is augmented by `random_affine_pairs`: another draw for each pair and epoch, decided by
    the dataset's seed.

    Args:
      root: the folder that holds `market-pairs-train.csv` and its like and the folders `train` and `test`.
      image_size: (H, W) in pixels.
      heatmap_sigma: of the poses' Gaussians, in pixels.
      augment: whether the training split is augmented.

    Raises:
      InputError: as `PairFolder`.
    """

    layout = MARKET1501

    def __init__(
        self,
        root,
        image_size: tuple[int, int] = MARKET1501.image_size,
        heatmap_sigma: float = 6.0,
        augment: bool = True,
    ):
        super().__init__(root, image_size, heatmap_sigma)
        self.augment = augment

    def _augments(self, split: str) -> bool:
        return self.augment and split == "train"

    def _augment(self, batch: dict, seed: int) -> dict:
        return random_affine_pairs(batch, self.image_size, seed)
