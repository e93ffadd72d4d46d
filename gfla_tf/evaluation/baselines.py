"""What a model must beat: results that take no network, or only the flow field estimator."""

from __future__ import annotations

import numpy as np

COPY_SOURCE = "copy the source"
MEAN_IMAGE = "mean training image"
WARPED_SOURCE = "source warped by F"
GENERATED = "generated"


def mean_target(
    dataset, images: int = 2000, batch_size: int = 50, split: str = "train"
) -> tuple[np.ndarray, int]:
    """The mean of the first target images of a split, in its unshuffled order.

    Args:
      dataset: any dataset of `gfla_tf.data`.
      images: over how many pairs' targets; fewer if the split has fewer.
      batch_size: how many are drawn at once.

    Returns:
      float32 [H, W, 3] in [-1, 1], and over how many images it is.

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


def baseline_images(source, finest_flow, mean_image) -> dict[str, np.ndarray]:
    """The three baselines for a batch.

    Args:
      source: float32 [B, H, W, 3] in [-1, 1].
      finest_flow: float32 [B, H, W, 2], already at image resolution.
      mean_image: float32 [H, W, 3].

    Returns:
      name → float32 [B, H, W, 3].
    """
    from gfla_tf.ops import bilinear_warp

    return {
        COPY_SOURCE: source,
        MEAN_IMAGE: np.broadcast_to(mean_image, source.shape),
        WARPED_SOURCE: np.asarray(bilinear_warp(source, finest_flow)),
    }
