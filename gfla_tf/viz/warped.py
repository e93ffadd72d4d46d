"""The source image, warped by an estimated flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gfla_tf.viz.images import to_uint8


def warped_source(source_image: ArrayLike, flow: ArrayLike) -> np.ndarray:
    """Warps source images by a flow, bilinearly: what the flow alone makes of the source.

    Args:
      source_image: [B, H, W, 3], uint8 or float in [-1, 1].
      flow: [B, h, w, 2] (dx, dy), pixels of the h x w map; it is resized to H x W.

    Returns:
      uint8 RGB [B, H, W, 3].
    """
    from gfla_tf.ops.flow import bilinear_warp, resize_flow  # load TensorFlow

    source = to_uint8(source_image).astype(np.float32)
    if not len(source):
        return source.astype(np.uint8)
    flow = resize_flow(np.asarray(flow, np.float32), source.shape[1:3])
    return np.rint(np.clip(bilinear_warp(source, flow).numpy(), 0, 255)).astype(np.uint8)
