"""Between the model's images, float in [-1, 1], and pictures, uint8 RGB."""

from __future__ import annotations

import cv2
import numpy as np


def to_uint8(images) -> np.ndarray:
    """Turns float images [..., H, W, 3] in [-1, 1] into uint8 in 0..255; uint8 passes unchanged.

    Values outside the range are clipped; x = -1 is 0, x = 1 is 255 (the inverse of x / 127.5 - 1).
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"images must be uint8 or float in [-1, 1], got {images.dtype}")
    return np.clip(np.rint((images.astype(np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def resize(image: np.ndarray, size: tuple[int, int], smooth: bool = True) -> np.ndarray:
    """Resizes a uint8 picture [h, w, 3] or [h, w] to `size` = (H, W).

    Enlarging is cubic (`smooth`) or nearest; reducing averages areas.
    """
    height, width = size
    if image.shape[:2] == (height, width):
        return image
    if height < image.shape[0] or width < image.shape[1]:
        method = cv2.INTER_AREA
    else:
        method = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
    return cv2.resize(image, (width, height), interpolation=method)


def encode_png(image: np.ndarray) -> bytes:
    """PNG bytes of a uint8 RGB [H, W, 3] or grey [H, W] picture."""
    image = np.ascontiguousarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(f"a picture is uint8 [H, W, 3] or [H, W], got {image.dtype} {image.shape}")
    ready = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, data = cv2.imencode(".png", ready)
    if not done:
        raise ValueError(f"a picture of shape {image.shape} could not be encoded as PNG")
    return data.tobytes()
