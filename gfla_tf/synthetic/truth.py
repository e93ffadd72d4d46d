"""The true flow and visibility between two renderings of one person, computed from the surfels."""

from __future__ import annotations

import numpy as np

from .render import FAR, Rendering
from .surfels import SurfelCloud


def true_flow(cloud: SurfelCloud, source: Rendering, target: Rendering) -> tuple[np.ndarray, np.ndarray]:
    """The position of each target pixel's surface point in the source, and whether it is visible there.

    The background moves with the two cameras.

    Args:
      cloud: the person's surfels.
      source: the rendering that is sampled.
      target: the rendering whose pixels are traced.

    Returns:
      flow: float32 [H, W, 2], (dx, dy) in pixels.
      visibility: float32 [H, W], 1 where the surface faces the source's camera, is inside its frame and is
        not occluded, else 0.
    """
    height, width = target.camera.image_size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    scale = source.camera.scale / target.camera.scale
    ox, oy = target.camera.origin
    sx, sy = source.camera.origin
    there_x, there_y = (x - ox) * scale + sx, (y - oy) * scale + sy
    flow = np.stack([there_x - x, there_y - y], axis=-1).astype(np.float32)
    free = _read(source.depth, there_x, there_y, height) <= FAR
    visible = free & _inside(there_x, there_y, height, width)

    rows, columns = np.nonzero(target.surfel >= 0)
    ids = target.surfel[rows, columns]
    from_x, from_y, _, _ = target.project(cloud, ids)
    to_x, to_y, depth, facing = source.project(cloud, ids)
    flow[rows, columns] = np.stack([to_x - from_x, to_y - from_y], axis=-1)
    facing = facing / np.linalg.norm(source.matrix[cloud.ring[ids], 2], axis=1)
    slope = np.sqrt(np.maximum(1 - facing**2, 0)) / np.maximum(facing, 0.1)
    tolerance = 0.008 + slope * 0.75 / source.camera.unit
    covered = _read(source.depth, to_x, to_y, height) - depth > tolerance
    visible[rows, columns] = (facing > 0.05) & _inside(to_x, to_y, height, width) & ~covered
    return flow, visible.astype(np.float32)


def _inside(x, y, height, width):
    return (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)


def _read(buffer, x, y, height):
    """Values of a supersampled buffer at image positions, clamped to the frame."""
    ss = buffer.shape[0] // height
    column = np.clip(np.floor((x + 0.5) * ss).astype(np.int32), 0, buffer.shape[1] - 1)
    row = np.clip(np.floor((y + 0.5) * ss).astype(np.int32), 0, buffer.shape[0] - 1)
    return buffer[row, column]
