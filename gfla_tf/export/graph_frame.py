"""`gfla_tf.images.frame` inside a graph, for sizes that are known only when it runs."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from gfla_tf.export.graph_resize import area_taps, resample, restoring_taps, to_uint8
from gfla_tf.images.frame import MODES


class GraphFrame(NamedTuple):
    """Where pictures of `outer` lie in images of `inner`: `offset` is (top, left), `size` (height, width).

    All are int32 [..., 2], (y, x), in pixels; see `gfla_tf.images.frame.Frame`.
    """

    outer: tf.Tensor
    inner: tf.Tensor
    offset: tf.Tensor
    size: tf.Tensor

    @classmethod
    def fit(cls, outer, inner, mode: str) -> GraphFrame:
        """The frames of pictures of `outer` in images of `inner`, int32 [..., 2] each.

        Raises:
          ValueError: an unknown mode.
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

    def place_keypoints(self, keypoints) -> tf.Tensor:
        """Keypoints float32 [N, 18, 2] in pixels of the outer frames, in pixels of the inner ones; missing
        ones become (-1, -1).
        """
        scale = tf.cast(self.size, tf.float64) / tf.cast(self.outer, tf.float64)
        placed = tf.cast(keypoints, tf.float64) * scale[..., None, :]
        placed += tf.cast(self.offset, tf.float64)[..., None, :]
        present = tf.reduce_all(keypoints >= 0.0, axis=-1, keepdims=True)
        return tf.where(present, tf.cast(placed, tf.float32), -1.0)

    def place_image(self, rgb) -> tf.Tensor:
        """One frame: uint8 [h, w, 3] -> uint8 [H, W, 3]."""
        block = tf.maximum(1, self.outer // (4 * self.size))
        smaller = tf.cond(
            tf.reduce_max(block) > 1,
            lambda: resample(rgb, *_blocks(self.outer, self.outer // block), rows_first=True),
            lambda: rgb,
        )
        small = to_uint8(tf.image.resize(smaller, self.size, method="bilinear", antialias=True))
        for axis in (0, 1):
            places = tf.range(self.inner[axis]) - self.offset[axis]
            small = tf.gather(small, tf.clip_by_value(places, 0, self.size[axis] - 1), axis=axis)
        return small

    def restore(self, picture) -> tf.Tensor:
        """One frame: uint8 [H, W, 3] -> uint8 [h, w, 3]."""
        cut = tf.slice(picture, tf.concat([self.offset, [0]], 0), tf.concat([self.size, [3]], 0))
        enlarging = tf.reduce_all(self.outer >= self.size)
        reducing = tf.reduce_all(self.outer <= self.size)
        taps = [restoring_taps(self.size[i], self.outer[i], enlarging, reducing) for i in (0, 1)]
        return resample(cut, *taps, rows_first=False)


def _blocks(outer, smaller):
    return [area_taps(outer[axis], smaller[axis]) for axis in (0, 1)]
