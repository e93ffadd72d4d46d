"""DeepFashion (In-shop Clothes Retrieval), in the authors' layout."""

from __future__ import annotations

from gfla_tf.data.folder import PairFolder
from gfla_tf.data.layout import DEEPFASHION


class DeepFashion(PairFolder):
    """Pairs of studio photographs: 101,966 for training and 8,570 for testing in the authors' lists.

    `fasion-pairs-train.csv` and its like (`fashion-` too). Keypoints are given in a 256 x 176 (h x w) frame
    and are scaled to `image_size`; images are resized to it. No augmentation.

    Args:
      root: the folder that holds the CSV files and the folders `train` and `test`.
      image_size: (H, W) in pixels.
      heatmap_sigma: of the poses' Gaussians, in pixels.

    Raises:
      InputError: as `PairFolder`.
    """

    layout = DEEPFASHION

    def __init__(
        self, root, image_size: tuple[int, int] = DEEPFASHION.image_size, heatmap_sigma: float = 6.0
    ):
        super().__init__(root, image_size, heatmap_sigma)
