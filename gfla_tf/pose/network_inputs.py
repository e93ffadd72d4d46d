"""The last steps of every input pipeline: images are scaled and pose heatmaps are added."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from gfla_tf.images.scaling import scale_images
from gfla_tf.pose.heatmaps import pose_heatmaps

_IMAGES = ("source_image", "target_image")
_FLOATS = ("source_keypoints", "target_keypoints", "flow", "visibility")
_PARTS = ("source_parts", "target_parts")


def finish_batches(
    batches: tf.data.Dataset,
    image_size: tuple[int, int],
    heatmap_sigma: float,
    *,
    heatmaps: bool = True,
    scaled: bool = True,
    load: Callable[..., dict[str, tf.Tensor]] | None = None,
    parallel: bool = True,
    transform: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]] | None = None,
) -> tf.data.Dataset:
    """Scales the images of batches to [-1, 1], adds pose heatmaps and prefetches.

    Args:
      batches: dicts with `source_image`, `target_image` uint8 [B, H, W, 3], `source_keypoints`,
        `target_keypoints` [B, 18, 2] (y, x), and optionally `flow` [B, H, W, 2], `visibility`,
        `source_parts` and `target_parts` [B, H, W]; other entries are unchanged. With `load`, any elements.
      image_size: (H, W) in pixels.
      heatmap_sigma: standard deviation of the heatmaps' Gaussians, in pixels.
      heatmaps: whether to add `source_pose` and `target_pose`.
      scaled: if False, the images stay uint8, for a training step that scales them on its device.
      load: optional function that maps an element of `batches` to such a dict.
      parallel: whether `load` runs in the same parallel map as the other steps, or in a sequential one.
      transform: optional function of the batch, applied before the heatmaps are computed (augmentation).

    Returns:
      A dataset of dicts: images float32 [B, H, W, 3] in [-1, 1]; keypoints, flow and visibility float32;
      parts int32; poses float32 [B, H, W, 18].
    """

    if load is not None and not parallel:
        batches, load = batches.map(load), None

    def finish(*element: tf.Tensor) -> dict[str, tf.Tensor]:
        batch = dict(*element) if load is None else load(*element)
        for name in batch:
            if name in _IMAGES and scaled:
                batch[name] = scale_images(batch[name])
            elif name in _FLOATS:
                batch[name] = tf.cast(batch[name], tf.float32)
            elif name in _PARTS:
                batch[name] = tf.cast(batch[name], tf.int32)
        if transform is not None:
            batch = transform(batch)
        if heatmaps:
            for which in ("source", "target"):
                points = batch[f"{which}_keypoints"]
                batch[f"{which}_pose"] = pose_heatmaps(points, image_size, heatmap_sigma)
        return batch

    return batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
