"""Baseline images: the source, the mean training image, and the source warped by the estimated flow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gfla_tf.data.folder import PairFolder
from gfla_tf.synthetic import SyntheticPeople

COPY_SOURCE = "copy the source"
MEAN_IMAGE = "mean training image"
WARPED_SOURCE = "source warped by F"
GENERATED = "generated"


def mean_target(
    dataset: PairFolder | SyntheticPeople, images: int = 2000, batch_size: int = 50, split: str = "train"
) -> tuple[np.ndarray, int]:
    """Computes the mean of the first target images of a split, in its unshuffled order.

    Args:
      dataset: a dataset of `gfla_tf.data`.
      images: the largest number of target images.
      batch_size: number of pairs loaded at a time.
      split: the split's name.

    Returns:
      The mean image, float32 [H, W, 3] in [-1, 1], and the number of images averaged.

    Raises:
      ValueError: the split is empty.
    """
    total, count = 0.0, 0
    for batch in dataset.as_dataset(split, batch_size, shuffle=False, heatmaps=False):
        targets = np.asarray(batch["target_image"])[: images - count]
        total = total + targets.sum(0, dtype=np.float64)
        count += len(targets)
        if count >= images:
            break
    if not count:
        raise ValueError(f"the split {split!r} has no pairs to average")
    return (total / count).astype(np.float32), count


def baseline_images(
    source: np.ndarray | tf.Tensor, finest_flow: np.ndarray | tf.Tensor, mean_image: np.ndarray
) -> dict[str, np.ndarray]:
    """Computes the three baselines for a batch.

    Args:
      source: float32 [B, H, W, 3] in [-1, 1].
      finest_flow: float32 [B, H, W, 2], at image resolution.
      mean_image: float32 [H, W, 3].

    Returns:
      {name: float32 [B, H, W, 3]}.
    """
    from gfla_tf.ops import bilinear_warp

    return {
        COPY_SOURCE: source,
        MEAN_IMAGE: np.broadcast_to(mean_image, source.shape),
        WARPED_SOURCE: np.asarray(bilinear_warp(source, finest_flow)),
    }
