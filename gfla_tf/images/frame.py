"""A photograph of any size and aspect, and its poses, in the model's frame and back.

Two ways: `resize` stretches the photo to the model's size, as the data sets do; `letterbox` keeps its
proportions, centres it and continues its edge pixels to fill the rest. Positions follow as y * H / h, the
convention of the authors' files (pixel 0 stays pixel 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import tensorflow as tf

MODES = ("letterbox", "resize")


@dataclass(frozen=True)
class Frame:
    """Where a picture of `outer` (h, w) pixels lies in the model's `inner` (H, W): rows `top` .. `top` +
    `height`, columns `left` .. `left` + `width`, all in pixels of the model's image.
    """

    outer: tuple[int, int]
    inner: tuple[int, int]
    top: int
    left: int
    height: int
    width: int

    @classmethod
    def fit(cls, outer: tuple[int, int], inner: tuple[int, int], mode: str = "letterbox") -> Frame:
        """The frame of a picture of `outer` in an image of `inner`, both (height, width).

        Raises:
          ValueError: an unknown mode or an empty size.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}, got {mode!r}")
        if min(*outer, *inner) < 1:
            raise ValueError(f"sizes must be positive, got {outer} and {inner}")
        if mode == "resize":
            return cls(outer, inner, 0, 0, *inner)
        scale = min(inner[0] / outer[0], inner[1] / outer[1])
        height, width = (max(1, round(side * scale)) for side in outer)
        return cls(outer, inner, (inner[0] - height) // 2, (inner[1] - width) // 2, height, width)

    def place_image(self, rgb: np.ndarray) -> np.ndarray:
        """uint8 RGB [h, w, 3] of the outer size as uint8 [H, W, 3] of the inner size."""
        if rgb.shape[:2] != self.outer:
            raise ValueError(f"the picture must be {self.outer}, got shape {rgb.shape}")
        small = resize_image(rgb, (self.height, self.width))
        below = self.inner[0] - self.height - self.top
        right = self.inner[1] - self.width - self.left
        return cv2.copyMakeBorder(small, self.top, below, self.left, right, cv2.BORDER_REPLICATE)

    def place_keypoints(self, keypoints: np.ndarray) -> np.ndarray:
        """Keypoints [18, 2] (y, x) of the outer frame in pixels of the inner one; missing stay (-1, -1)."""
        scale = np.array([self.height / self.outer[0], self.width / self.outer[1]])
        placed = np.asarray(keypoints) * scale + (self.top, self.left)
        present = (np.asarray(keypoints) >= 0).all(-1, keepdims=True)
        return np.where(present, placed, -1.0).astype(np.float32)

    def restore(self, picture: np.ndarray) -> np.ndarray:
        """A uint8 picture [H, W, 3] of the inner size, cut and resized (cubic) to the outer size."""
        if picture.shape[:2] != self.inner:
            raise ValueError(f"the picture must be {self.inner}, got shape {picture.shape}")
        cut = picture[self.top : self.top + self.height, self.left : self.left + self.width]
        enlarging = self.outer[0] >= self.height and self.outer[1] >= self.width
        method = cv2.INTER_CUBIC if enlarging else cv2.INTER_AREA
        return cv2.resize(np.ascontiguousarray(cut), self.outer[::-1], interpolation=method)


def resize_image(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 RGB [h, w, 3] -> uint8 [H, W, 3] of `size`: `average_blocks`, then `resize_bilinear`."""
    if rgb.shape[:2] == tuple(size):
        return rgb
    with tf.device("CPU"):
        return resize_bilinear(average_blocks(rgb, size), size).numpy()


def resize_bilinear(rgb, size: tuple[int, int]) -> tf.Tensor:
    """uint8 [h, w, 3] -> uint8 [H, W, 3] by antialiased bilinear filtering, as Pillow resizes."""
    result = tf.image.resize(rgb, size, method="bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(result), 0.0, 255.0), tf.uint8)


def average_blocks(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Averages whole blocks of a picture eight or more times larger than `size`, to four times or more of it.

    A smaller picture passes unchanged. It bounds the memory of the float filter that follows.
    """
    block = [max(1, have // (4 * want)) for have, want in zip(rgb.shape[:2], size, strict=True)]
    if max(block) == 1:
        return rgb
    smaller = (rgb.shape[1] // block[1], rgb.shape[0] // block[0])
    return cv2.resize(rgb, smaller, interpolation=cv2.INTER_AREA)
