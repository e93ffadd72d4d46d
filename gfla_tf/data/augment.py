"""The augmentation of Market-1501: one random affine map a pair, of images and keypoints together.

    p' = c + t + s R(a) (p - c),   c the image's centre, p = (x, y) in pixels

The source gets a ~ ±5°, t ~ ±5 px a direction and s ~ 0.95 .. 1.05; the target 0.2 a, 0.5 t and s = 1.
"""

from __future__ import annotations

import math

import tensorflow as tf

MAX_ANGLE = math.radians(5.0)
MAX_SHIFT = 5.0
MAX_ZOOM = 0.05
TARGET_ANGLE_SHARE = 0.2
TARGET_SHIFT_SHARE = 0.5
FILL = 128 / 127.5 - 1.0
"""Grey 128, where the moved image leaves the frame uncovered."""


def random_affine_pairs(batch: dict, image_size: tuple[int, int], seed: int) -> dict:
    """Moves the source and the target of each pair of a batch.

    Args:
      batch: float32 images [B, H, W, 3] in [-1, 1] and keypoints [B, 18, 2] (y, x) of source and target, and
        `draw`, int64 [B]: a number that, with `seed`, decides each pair's map. It is taken out.
      image_size: (H, W).
      seed: an integer.

    Returns:
      The batch with moved images and keypoints; a keypoint that leaves the frame becomes missing (-1, -1).
    """
    batch = dict(batch)
    angle, shift, scale = _draw_parameters(batch.pop("draw"), seed)
    still = tf.ones_like(scale)
    maps = {
        "source": (angle, shift, scale),
        "target": (angle * TARGET_ANGLE_SHARE, shift * TARGET_SHIFT_SHARE, still),
    }
    for which, parameters in maps.items():
        image, points = batch[f"{which}_image"], batch[f"{which}_keypoints"]
        batch[f"{which}_image"] = move_images(image, image_size, *parameters)
        batch[f"{which}_keypoints"] = move_keypoints(points, image_size, *parameters)
    return batch


def move_images(images, image_size, angle, shift, scale) -> tf.Tensor:
    """Images [B, H, W, 3] after p -> p', bilinear; angle [B] in radians, shift [B, 2] (x, y), scale [B]."""
    height, width = image_size
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    cos, sin = tf.cos(angle) / scale, tf.sin(angle) / scale
    back_x, back_y = centre_x + shift[:, 0], centre_y + shift[:, 1]  # c + t: p = c + R' (p' - c - t) / s
    rows = [
        *(cos, sin, centre_x - cos * back_x - sin * back_y),
        *(-sin, cos, centre_y + sin * back_x - cos * back_y),
        *(tf.zeros_like(cos), tf.zeros_like(cos)),
    ]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(rows, -1),  # [B, 8]
        output_shape=[height, width],
        fill_value=FILL,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def move_keypoints(keypoints, image_size, angle, shift, scale) -> tf.Tensor:
    """Keypoints [B, 18, 2] (y, x) after p -> p'; missing and leaving ones are (-1, -1)."""
    height, width = image_size
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    cos, sin = (tf.cos(angle) * scale)[:, None], (tf.sin(angle) * scale)[:, None]
    y, x = keypoints[..., 0] - centre_y, keypoints[..., 1] - centre_x  # [B, 18]
    moved_x = centre_x + shift[:, :1] + cos * x - sin * y
    moved_y = centre_y + shift[:, 1:] + sin * x + cos * y
    inside = (moved_y >= 0) & (moved_y < height) & (moved_x >= 0) & (moved_x < width)
    present = tf.reduce_all(keypoints >= 0, -1) & inside
    return tf.where(present[..., None], tf.stack([moved_y, moved_x], -1), -1.0)


def _draw_parameters(draws: tf.Tensor, seed: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """angle [B] in radians, shift [B, 2] (x, y) in pixels, scale [B], from the draws [B] alone."""
    uniform = tf.map_fn(
        lambda draw: tf.random.stateless_uniform([4], tf.stack([tf.cast(seed, tf.int64), draw]), -1.0, 1.0),
        draws,
        fn_output_signature=tf.float32,
    )  # [B, 4]
    return uniform[:, 0] * MAX_ANGLE, uniform[:, 1:3] * MAX_SHIFT, 1.0 + uniform[:, 3] * MAX_ZOOM
