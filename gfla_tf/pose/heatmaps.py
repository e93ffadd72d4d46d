"""A pose as the networks read it: one Gaussian map a keypoint."""

from __future__ import annotations

import tensorflow as tf


def pose_heatmaps(keypoints_yx, image_size, sigma: float = 6.0) -> tf.Tensor:
    """Draws each keypoint as a Gaussian map with its peak of 1 on the keypoint's pixel.

        map(y, x) = exp(-((y - ky)² + (x - kx)²) / (2 sigma²)),   ky, kx truncated to integers

    It is computed as the outer product of two 1-D Gaussians, so a map costs H + W exponentials.

    Args:
      keypoints_yx: [..., K, 2] (y, x) in pixels of the image, K = 18 for people. A negative (or NaN)
        coordinate means that the keypoint is missing: its map is all 0. Any leading shape, dynamic too.
      image_size: (H, W) in pixels.
      sigma: the Gaussian's standard deviation in pixels.

    Returns:
      float32 [..., H, W, K], values in [0, 1].

    Raises:
      ValueError: the last axis is not 2, or the size or sigma is not positive.
    """
    keypoints = tf.cast(tf.convert_to_tensor(keypoints_yx), tf.float32)
    if keypoints.shape.rank is not None and (keypoints.shape.rank < 2 or keypoints.shape[-1] != 2):
        raise ValueError(f"keypoints are [..., K, 2] (y, x), got shape {keypoints.shape}")
    height, width = image_size
    for name, value in (("height", height), ("width", width), ("sigma", sigma)):
        if not tf.is_tensor(value) and not value > 0:
            raise ValueError(f"the {name} of pose maps must be positive, got {value}")
    present = tf.reduce_all(keypoints >= 0.0, axis=-1)  # [..., K]; NaN compares false
    places = tf.where(present[..., None], tf.floor(keypoints), 0.0)
    shares = tf.cast(present, tf.float32)[..., None, :]  # [..., 1, K]
    down = _gaussian(height, places[..., 0], sigma) * shares  # [..., H, K]
    across = _gaussian(width, places[..., 1], sigma)  # [..., W, K]
    return down[..., :, None, :] * across[..., None, :, :]  # [..., H, W, K]


def _gaussian(length, centres, sigma) -> tf.Tensor:
    """exp(-(i - centre)² / (2 sigma²)) for i = 0 .. length - 1: [..., K] -> [..., length, K]."""
    places = tf.cast(tf.range(length), tf.float32)[:, None]
    return tf.exp(-tf.square(places - centres[..., None, :]) / (2.0 * sigma**2))
