"""The dataset DeepFashion (In-shop Clothes Retrieval) in the authors' layout."""

from __future__ import annotations

from gfla_tf.data.folder import PairFolder
from gfla_tf.data.layout import DEEPFASHION
from gfla_tf.files import PathLike


class DeepFashion(PairFolder):
    """Pairs of studio photographs: 101,966 for training and 8,570 for testing in the authors' lists.

    The CSV files are `fasion-pairs-train.csv` etc. (or `fashion-`). The keypoints' frame is 256 x 176 pixels
    (h x w); images are resized and keypoints scaled to `image_size`. There is no augmentation.

    Args:
      root: the data folder with the CSV files and the folders `train` and `test`, or a shards folder.
      image_size: (H, W) in pixels.
      heatmap_sigma: standard deviation of the heatmaps' Gaussians, in pixels.
      max_unreadable: number of images that may be unreadable, as for `PairFolder`.

    Raises:
      InputError: as for `PairFolder`.
    """

    layout = DEEPFASHION

    def __init__(
        self,
        root: PathLike,
        image_size: tuple[int, int] = DEEPFASHION.image_size,
        heatmap_sigma: float = 6.0,
        max_unreadable: int = 0,
    ):
        super().__init__(root, image_size, heatmap_sigma, max_unreadable)
