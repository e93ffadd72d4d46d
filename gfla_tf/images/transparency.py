"""Compositing of transparent images over white."""

from __future__ import annotations

import numpy as np


def over_white(pixels: np.ndarray) -> np.ndarray:
    """Composites colors and alpha, uint8 [..., c + 1], over white, rounded to the nearest: uint8 [..., c]."""
    color, alpha = pixels[..., :-1], pixels[..., -1:].astype(np.uint32)
    return ((color * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
