"""Fitting of photographs and poses of any size to the model's image size.

The mode "resize" stretches the photograph to the model's size, as the datasets do; "letterbox" keeps the
aspect ratio, centers the photograph and replicates its edge pixels. Positions are scaled as y' = y H / h, the
convention of the authors' files (pixel 0 stays pixel 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import tensorflow as tf

from gfla_tf.images.scaling import round_to_uint8

MODES = ("letterbox", "resize")

_MAX_PASS_PIXELS = 2**23  # float32 pixels between the two passes of a resize; 8000 x 8000 to 1024 x 1024


@dataclass(frozen=True)
class Frame:
    """The position of a photograph in the model's image.

    Attributes:
      outer: (h, w) of the photograph.
      inner: (H, W) of the model's image.
      top, left: the position of the resized photograph, in pixels of the model's image.
      height, width: the size of the resized photograph, in pixels of the model's image.
    """

    outer: tuple[int, int]
    inner: tuple[int, int]
    top: int
    left: int
    height: int
    width: int

    @classmethod
    def fit(cls, outer: tuple[int, int], inner: tuple[int, int], mode: str = "letterbox") -> Frame:
        """Fits a photograph of size `outer` to images of size `inner`, both (height, width).

        Args:
          outer: size of the photograph in pixels.
          inner: size of the model's image in pixels.
          mode: one of `MODES`.

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

    def to_frame(self, rgb: np.ndarray) -> np.ndarray:
        """Converts a photograph, uint8 RGB [h, w, 3], to the model's image, uint8 [H, W, 3]."""
        if rgb.shape[:2] != self.outer:
            raise ValueError(f"the image must be {self.outer}, got shape {rgb.shape}")
        small = resize_image(rgb, (self.height, self.width))
        below = self.inner[0] - self.height - self.top
        right = self.inner[1] - self.width - self.left
        return cv2.copyMakeBorder(small, self.top, below, self.left, right, cv2.BORDER_REPLICATE)

    def keypoints_to_frame(self, keypoints: np.ndarray) -> np.ndarray:
        """Converts keypoints [18, 2] (y, x) to pixels of the model's image; missing ones stay (-1, -1)."""
        scale = np.array([self.height / self.outer[0], self.width / self.outer[1]])
        scaled = np.asarray(keypoints) * scale + (self.top, self.left)
        present = (np.asarray(keypoints) >= 0).all(-1, keepdims=True)
        return np.where(present, scaled, -1.0).astype(np.float32)

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Crops the model's image, uint8 [H, W, 3], and resizes it to the photograph's size, uint8 [h, w, 3].

        Resizing is bicubic, or by area averaging where it reduces.
        """
        if image.shape[:2] != self.inner:
            raise ValueError(f"the image must be {self.inner}, got shape {image.shape}")
        cropped = image[self.top : self.top + self.height, self.left : self.left + self.width]
        enlarging = self.outer[0] >= self.height and self.outer[1] >= self.width
        method = cv2.INTER_CUBIC if enlarging else cv2.INTER_AREA
        return cv2.resize(np.ascontiguousarray(cropped), self.outer[::-1], interpolation=method)


def resize_image(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes uint8 RGB [h, w, 3] to uint8 [H, W, 3]; see `resize_bilinear`."""
    if rgb.shape[:2] == tuple(size):
        return rgb
    with tf.device("CPU"):
        return resize_bilinear(rgb, size).numpy()


def resize_bilinear(rgb: tf.Tensor | np.ndarray, size: tf.Tensor | tuple[int, int]) -> tf.Tensor:
    """Resizes uint8 [h, w, 3] to uint8 [H, W, 3] by antialiased bilinear filtering, as Pillow does.

    TensorFlow resizes the height first, to float32 [H, w, 3]. For a very wide image, this function resizes
    the width first, which bounds the memory.
    """
    rgb, size = tf.convert_to_tensor(rgb), tf.convert_to_tensor(size, tf.int32)
    sides, target = tf.shape(rgb, tf.int64), tf.cast(size, tf.int64)
    rows_first, columns_first = target[0] * sides[1], sides[0] * target[1]

    def transposed():
        flipped = tf.image.resize(tf.transpose(rgb, [1, 0, 2]), size[::-1], method="bilinear", antialias=True)
        return tf.transpose(round_to_uint8(flipped), [1, 0, 2])

    return tf.cond(
        (rows_first > _MAX_PASS_PIXELS) & (columns_first < rows_first),
        transposed,
        lambda: round_to_uint8(tf.image.resize(rgb, size, method="bilinear", antialias=True)),
    )
