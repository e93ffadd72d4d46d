"""The augmentation of Market-1501: one random affine map per pair, of images and keypoints.

    p' = c + t + s R(a) (p - c),   c the image's center, p = (x, y) in pixels

For the source, a is uniform in ±5°, t in ±5 px in each direction and s in 0.95 .. 1.05; the target gets
0.2 a, 0.5 t and s = 1.
"""

from __future__ import annotations

import math

import tensorflow as tf

MAX_ANGLE = math.radians(5.0)
MAX_SHIFT = 5.0
MAX_SCALE_CHANGE = 0.05
TARGET_ANGLE_FACTOR = 0.2
TARGET_SHIFT_FACTOR = 0.5
FILL = 128 / 127.5 - 1.0
"""Gray 128, for pixels outside the moved image."""


def random_affine_pairs(
    batch: dict[str, tf.Tensor], image_size: tuple[int, int], seed: int
) -> dict[str, tf.Tensor]:
    """Applies random affine maps to the source and the target of each pair of a batch.

    Args:
      batch: float32 images [B, H, W, 3] in [-1, 1] and keypoints [B, 18, 2] (y, x) of source and target, and
        `draw`, int64 [B]: random numbers that determine each pair's map together with `seed`.
      image_size: (H, W) in pixels.
      seed: an integer.

    Returns:
      The batch with mapped images and keypoints, without `draw`. Keypoints that leave the frame become
      missing (-1, -1).
    """
    batch = dict(batch)
    angle, shift, scale = _draw_parameters(batch.pop("draw"), seed)
    unchanged = tf.ones_like(scale)
    maps = {
        "source": (angle, shift, scale),
        "target": (angle * TARGET_ANGLE_FACTOR, shift * TARGET_SHIFT_FACTOR, unchanged),
    }
    for which, parameters in maps.items():
        image, points = batch[f"{which}_image"], batch[f"{which}_keypoints"]
        batch[f"{which}_image"] = move_images(image, image_size, *parameters)
        batch[f"{which}_keypoints"] = move_keypoints(points, image_size, *parameters)
    return batch


def move_images(
    images: tf.Tensor, image_size: tuple[int, int], angle: tf.Tensor, shift: tf.Tensor, scale: tf.Tensor
) -> tf.Tensor:
    """Maps images by p -> p', with bilinear interpolation.

    Args:
      images: float32 [B, H, W, 3] in [-1, 1].
      image_size: (H, W) in pixels.
      angle: [B] in radians.
      shift: [B, 2] (x, y) in pixels.
      scale: [B].

    Returns:
      float32 [B, H, W, 3].
    """
    height, width = image_size
    center_x, center_y = (width - 1) / 2, (height - 1) / 2
    cos, sin = tf.cos(angle) / scale, tf.sin(angle) / scale
    back_x, back_y = center_x + shift[:, 0], center_y + shift[:, 1]  # c + t: p = c + R' (p' - c - t) / s
    rows = [
        *(cos, sin, center_x - cos * back_x - sin * back_y),
        *(-sin, cos, center_y + sin * back_x - cos * back_y),
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


def move_keypoints(
    keypoints: tf.Tensor, image_size: tuple[int, int], angle: tf.Tensor, shift: tf.Tensor, scale: tf.Tensor
) -> tf.Tensor:
    """Maps keypoints [B, 18, 2] (y, x) by p -> p'; see `move_images`.

    Missing keypoints, and those that leave the frame, are (-1, -1).
    """
    height, width = image_size
    center_x, center_y = (width - 1) / 2, (height - 1) / 2
    cos, sin = (tf.cos(angle) * scale)[:, None], (tf.sin(angle) * scale)[:, None]
    y, x = keypoints[..., 0] - center_y, keypoints[..., 1] - center_x  # [B, 18]
    moved_x = center_x + shift[:, :1] + cos * x - sin * y
    moved_y = center_y + shift[:, 1:] + sin * x + cos * y
    inside = (moved_y >= 0) & (moved_y < height) & (moved_x >= 0) & (moved_x < width)
    present = tf.reduce_all(keypoints >= 0, -1) & inside
    return tf.where(present[..., None], tf.stack([moved_y, moved_x], -1), -1.0)


def _draw_parameters(draws: tf.Tensor, seed: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns angle [B] in radians, shift [B, 2] (x, y) in pixels and scale [B] of the `draw` [B]."""
    uniform = tf.map_fn(
        lambda draw: tf.random.stateless_uniform([4], tf.stack([tf.cast(seed, tf.int64), draw]), -1.0, 1.0),
        draws,
        fn_output_signature=tf.float32,
    )  # [B, 4]
    return uniform[:, 0] * MAX_ANGLE, uniform[:, 1:3] * MAX_SHIFT, 1.0 + uniform[:, 3] * MAX_SCALE_CHANGE
