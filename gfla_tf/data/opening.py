"""Opening of a data folder or shards folder, with detection of the layout."""

from __future__ import annotations

import os

from gfla_tf.data.deepfashion import DeepFashion
from gfla_tf.data.folder import PairFolder
from gfla_tf.data.layout import find_layout
from gfla_tf.data.market1501 import Market1501
from gfla_tf.data.shards.manifest import is_shards, read_manifest
from gfla_tf.files import PathLike


def open_pairs(
    root: PathLike, image_size: tuple[int, int], heatmap_sigma: float = 6.0, layout: str | None = None
) -> PairFolder:
    """Opens a data folder or shards folder as `DeepFashion` or `Market1501`, without augmentation.

    Args:
      root: the folder.
      image_size: (H, W) in pixels.
      heatmap_sigma: standard deviation of the heatmaps' Gaussians, in pixels.
      layout: "deepfashion" or "market1501"; by default detected from the file names or the shards' manifest.

    Raises:
      InputError: the folder is neither, of another layout, or contains the files of both layouts.
      ValueError: an unknown layout.
    """
    root = os.fspath(root)
    name = read_manifest(root).layout if is_shards(root) else find_layout(root, layout).name
    if name == "deepfashion":
        return DeepFashion(root, image_size, heatmap_sigma)
    return Market1501(root, image_size, heatmap_sigma, augment=False)
