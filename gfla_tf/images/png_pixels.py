"""Decoding of PNG files to RGB: palettes, transparency and 16 bits."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL.PngImagePlugin import PngImageFile

from gfla_tf.images.blocks import new_rgb, pillow_blocks, row_blocks
from gfla_tf.images.png import PALETTE, read_colors, still_png
from gfla_tf.images.transparency import over_white


def decode_png(data: bytes) -> np.ndarray:
    """Decodes a PNG file that `gfla_tf.images.header.read_header` has accepted.

    Pillow decodes up to 8 bits per sample, OpenCV 16, of which Pillow drops the lower 8 of colors.

    Returns:
      uint8 RGB [h, w, 3] as stored, without its EXIF orientation.
    """
    colors = read_colors(data)
    rgb = None
    for rows, size, samples in (_samples_16 if colors.depth == 16 else _samples)(data):
        rgb = new_rgb(*size) if rgb is None else rgb
        rgb[rows] = _to_rgb(samples, colors)
    return rgb


def _to_rgb(samples, colors):
    """Converts samples [h, w, 1 to 4], as stored, to uint8 RGB [h, w, 3]."""
    if colors.type == PALETTE:
        return colors.palette_over_white()[samples[..., 0]]
    clear = None
    if (transparent := colors.transparent_color()) is not None:
        levels = transparent * (255 // (2**colors.depth - 1)) if colors.depth < 8 else transparent
        clear = (samples == levels).all(-1)
    if colors.depth == 16:
        samples = round_to_8_bits(samples)
    if samples.shape[-1] in (2, 4):
        samples = over_white(samples)
    rgb = samples if samples.shape[-1] == 3 else samples.repeat(3, axis=-1)
    if clear is not None:
        rgb[clear] = 255
    return rgb


def round_to_8_bits(samples: np.ndarray) -> np.ndarray:
    """Rounds samples of 16 bits: 65535 becomes 255."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _samples(data):
    """Yields (rows, size of the image, samples): scaled to 8 bits, or indices, uint8 [h, w, 1 to 4]."""
    with PngImageFile(io.BytesIO(still_png(data))) as image:
        for rows, block in pillow_blocks(image):
            samples = np.array(block)
            if samples.dtype == bool:
                samples = samples * np.uint8(255)
            yield rows, (image.height, image.width), samples if samples.ndim == 3 else samples[..., None]


def _samples_16(data):
    """Yields such blocks of uint16 [h, w, 1, 3 or 4]; gray with alpha becomes RGB with alpha."""
    samples = cv2.imdecode(np.frombuffer(still_png(data), np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise ValueError("it cannot be decoded")
    samples = samples if samples.ndim == 3 else samples[..., None]
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.shape[-1]]  # OpenCV's is BGR
    for rows in row_blocks(*samples.shape[:2]):
        yield rows, samples.shape[:2], samples[rows][..., order]
