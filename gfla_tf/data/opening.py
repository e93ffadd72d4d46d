"""Opens a folder of pairs whose layout the folder itself tells."""

from __future__ import annotations

import os

from gfla_tf.data.deepfashion import DeepFashion
from gfla_tf.data.folder import PairFolder
from gfla_tf.data.layout import find_layout
from gfla_tf.data.market1501 import Market1501
from gfla_tf.data.shards.manifest import is_shards, read_manifest


def open_pairs(
    root, image_size: tuple[int, int], heatmap_sigma: float = 6.0, layout: str | None = None
) -> PairFolder:
    """A data folder, or the shards of one, as the dataset of its layout; nothing is augmented.

    Args:
      root: the folder.
      image_size: (H, W) in pixels.
      heatmap_sigma: of the poses' Gaussians, in pixels.
      layout: "deepfashion" or "market1501"; None: as the files are named, or as the shards say.

    Raises:
      InputError: it is neither, or of another layout, or its files are named in both ways.
      ValueError: an unknown layout.
    """
    root = os.fspath(root)
    name = read_manifest(root).layout if is_shards(root) else find_layout(root, layout).name
    if name == "deepfashion":
        return DeepFashion(root, image_size, heatmap_sigma)
    return Market1501(root, image_size, heatmap_sigma, augment=False)
