"""`gfla_tf.images.frame` inside a graph, for image sizes that are known only at run time."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from gfla_tf.export.graph_resize import resample, restoring_taps
from gfla_tf.images.frame import MODES, resize_bilinear


class GraphFrame(NamedTuple):
    """The position of images of size `outer` inside model images of size `inner`.

    See `gfla_tf.images.frame.Frame`. All fields are int32 [..., 2], (y, x) in pixels.

    Attributes:
      outer: (h, w) of the original image.
      inner: (H, W) of the model's image.
      offset: (top, left) of the original image inside the model's image.
      size: (height, width) of the original image inside the model's image.
    """

    outer: tf.Tensor
    inner: tf.Tensor
    offset: tf.Tensor
    size: tf.Tensor

    @classmethod
    def fit(
        cls, outer: tf.Tensor | tuple[int, int], inner: tf.Tensor | tuple[int, int], mode: str
    ) -> GraphFrame:
        """Fits images of size `outer` into images of size `inner`, both int32 [..., 2].

        Raises:
          ValueError: Unknown mode.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}, got {mode!r}")
        outer = tf.convert_to_tensor(outer, tf.int32)
        inner = tf.broadcast_to(tf.convert_to_tensor(inner, tf.int32), tf.shape(outer))
        if mode == "resize":
            return cls(outer, inner, tf.zeros_like(outer), inner)
        sides = tf.cast(outer, tf.float64)
        scale = tf.reduce_min(tf.cast(inner, tf.float64) / sides, axis=-1, keepdims=True)
        size = tf.maximum(1, tf.cast(tf.round(sides * scale), tf.int32))
        return cls(outer, inner, (inner - size) // 2, size)

    def keypoints_to_frame(self, keypoints: tf.Tensor) -> tf.Tensor:
        """Maps keypoints [N, 18, 2] of the original images to the model's; missing ones become (-1, -1)."""
        scale = tf.cast(self.size, tf.float64) / tf.cast(self.outer, tf.float64)
        mapped = tf.cast(keypoints, tf.float64) * scale[..., None, :]
        mapped += tf.cast(self.offset, tf.float64)[..., None, :]
        present = tf.reduce_all(keypoints >= 0.0, axis=-1, keepdims=True)
        return tf.where(present, tf.cast(mapped, tf.float32), -1.0)

    def to_frame(self, rgb: tf.Tensor) -> tf.Tensor:
        """Resizes and pads one image: uint8 [h, w, 3] -> uint8 [H, W, 3]."""
        small = resize_bilinear(rgb, self.size)
        for axis in (0, 1):
            indices = tf.range(self.inner[axis]) - self.offset[axis]
            small = tf.gather(small, tf.clip_by_value(indices, 0, self.size[axis] - 1), axis=axis)
        return small

    def restore(self, image: tf.Tensor) -> tf.Tensor:
        """Crops and resizes one image to its original size: uint8 [H, W, 3] -> uint8 [h, w, 3]."""
        crop = tf.slice(image, tf.concat([self.offset, [0]], 0), tf.concat([self.size, [3]], 0))
        enlarging = tf.reduce_all(self.outer >= self.size)
        reducing = tf.reduce_all(self.outer <= self.size)
        taps = [restoring_taps(self.size[i], self.outer[i], enlarging, reducing) for i in (0, 1)]
        return resample(crop, *taps)
