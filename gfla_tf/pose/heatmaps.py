"""Pose heatmaps: one Gaussian map per keypoint, the networks' pose input."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def pose_heatmaps(
    keypoints_yx: tf.Tensor | np.ndarray, image_size: tuple[int, int], sigma: float = 6.0
) -> tf.Tensor:
    """Computes one Gaussian map per keypoint, with its peak of 1 at the keypoint's pixel.

        map(y, x) = exp(-((y - ky)² + (x - kx)²) / (2 sigma²)),   ky, kx truncated to integers

    Each map is the outer product of two 1-D Gaussians and costs H + W exponentials.

    Args:
      keypoints_yx: [..., K, 2] (y, x) in pixels of the image, K = 18 for people. A negative (or NaN)
        coordinate marks a missing keypoint, whose map is all 0. The leading dimensions may be dynamic.
      image_size: (H, W) in pixels.
      sigma: the standard deviation of the Gaussians in pixels.

    Returns:
      float32 [..., H, W, K], values in [0, 1].

    Raises:
      ValueError: the last axis is not 2, or the size or sigma is not positive.

    Example:

    ```python
    import numpy as np
    from gfla_tf.pose import KEYPOINTS, pose_heatmaps

    keypoints = np.full((18, 2), -1.0)  # all missing
    keypoints[KEYPOINTS.index("nose")] = (40, 88)  # (y, x)
    heatmaps = pose_heatmaps(keypoints, image_size=(256, 176))  # [256, 176, 18]
    assert heatmaps[40, 88, 0] == 1
    ```
    """
    keypoints = tf.cast(tf.convert_to_tensor(keypoints_yx), tf.float32)
    if keypoints.shape.rank is not None and (keypoints.shape.rank < 2 or keypoints.shape[-1] != 2):
        raise ValueError(f"keypoints must be [..., K, 2] (y, x), got shape {keypoints.shape}")
    height, width = image_size
    for name, value in (("height", height), ("width", width), ("sigma", sigma)):
        if not tf.is_tensor(value) and not value > 0:
            raise ValueError(f"the {name} of pose heatmaps must be positive, got {value}")
    present = tf.reduce_all(keypoints >= 0.0, axis=-1)  # [..., K]; NaN compares false
    centers = tf.where(present[..., None], tf.floor(keypoints), 0.0)
    weights = tf.cast(present, tf.float32)[..., None, :]  # [..., 1, K]
    rows = _gaussian(height, centers[..., 0], sigma) * weights  # [..., H, K]
    columns = _gaussian(width, centers[..., 1], sigma)  # [..., W, K]
    return rows[..., :, None, :] * columns[..., None, :, :]  # [..., H, W, K]


def _gaussian(length: int, centers: tf.Tensor, sigma: float) -> tf.Tensor:
    """exp(-(i - center)² / (2 sigma²)) for i = 0 .. length - 1: [..., K] -> [..., length, K]."""
    indices = tf.cast(tf.range(length), tf.float32)[:, None]
    return tf.exp(-tf.square(indices - centers[..., None, :]) / (2.0 * sigma**2))
