"""The surfels (small oriented surface points) of one person, and their motion with the bones."""

from __future__ import annotations

import numpy as np

from .body import Body
from .tube import Tube


class SurfelCloud:
    """All N surfels of one person, in R rings; all images of the person share them.

    Attributes:
      offset: float32 [3, N], positions relative to the ring's center.
      normal: float32 [3, N], unit normals.
      color: float32 [N, 3].
      gloss: float32 [N].
      part: uint8 [N], part labels.
      ring: int32 [N], the ring of each surfel.
      counts: [R], number of surfels in each ring.
      center: [R, 3], the center of each ring.
      bones: [R, 2], the two bones that each ring follows.
      weight: [R], the share of the first bone.
      skirt: bool [R], whether the ring belongs to a skirt.
      radius: [R, 2], the half axes of each ring.
    """

    def __init__(self, tubes: list[Tube]):
        def rings(field):
            return np.concatenate([getattr(tube, field) for tube in tubes])

        def surfels(values):
            kept = zip(values, tubes, strict=True)
            return np.concatenate(
                [_flat(value) if tube.keep.all() else value[tube.keep] for value, tube in kept]
            )

        self.center, self.bones, self.weight = rings("center"), rings("bones"), rings("weight")
        self.skirt = np.concatenate([np.full(len(tube.y), tube.skirt) for tube in tubes])
        offsets = [tube.point - tube.center[:, None].astype(np.float32) for tube in tubes]
        self.radius = np.concatenate([np.abs(offset).max(axis=1)[:, ::2] for offset in offsets])
        self.counts = np.concatenate([tube.keep.sum(axis=1) for tube in tubes])
        self.ring = np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)
        self.offset = np.ascontiguousarray(surfels(offsets).T, np.float32)
        self.normal = np.ascontiguousarray(surfels([tube.normal for tube in tubes]).T, np.float32)
        self.color = surfels([tube.color for tube in tubes]).astype(np.float32)
        self.part = surfels([tube.part for tube in tubes])
        self.gloss = surfels([tube.gloss for tube in tubes])

    def __len__(self) -> int:
        return len(self.ring)

    def ring_transforms(
        self, body: Body, rotation: np.ndarray, position: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Linear map [R, 3, 3] and center [R, 3] of each ring, for the bones of `forward_kinematics`."""
        pivots = body.pivots()
        share = self.weight[:, None]
        first, second = self.bones[:, 0], self.bones[:, 1]
        matrix = rotation[first] * share[..., None] + rotation[second] * (1 - share[..., None])
        blended = (self.weight > 0) & (self.weight < 1)
        matrix[blended] = _orthonormal(matrix[blended])
        center = self.center
        at_first = np.einsum("rij,rj->ri", rotation[first], center - pivots[first]) + position[first]
        at_second = np.einsum("rij,rj->ri", rotation[second], center - pivots[second]) + position[second]
        moved = at_first * share + at_second * (1 - share)
        if self.skirt.any():
            self._drape(body, rotation, position, matrix, moved)
        return matrix, moved

    def _drape(self, body, rotation, position, matrix, moved):
        """Widens and tilts the skirt's rings so that they enclose both legs."""
        rows = np.flatnonzero(self.skirt)
        pivots, height = body.pivots(), self.center[rows, 1]
        legs = []
        for thigh, shin in ((7, 8), (9, 10)):
            at = np.zeros((len(rows), 3))
            at[:, 0], at[:, 1] = pivots[thigh, 0], height
            above = (at - pivots[thigh]) @ rotation[thigh].T + position[thigh]
            below = (at - pivots[shin]) @ rotation[shin].T + position[shin]
            share = np.clip((height - body.knee_y) / 0.08 + 0.5, 0, 1)[:, None]
            legs.append(((above * share + below * (1 - share)) - position[0]) @ rotation[0])
        fall = np.clip((body.hip_y + 0.02 - height) / 0.10, 0, 1)[:, None]
        middle = (legs[0] + legs[1]) / 2
        gap = legs[0] - legs[1]
        own = self.center[rows] - pivots[0]
        local = own * (1 - fall) + middle * fall
        local[:, 1] = own[:, 1] * (1 - 0.7 * fall[:, 0]) + middle[:, 1] * 0.7 * fall[:, 0]
        reach = np.abs(gap[:, ::2]) / 2 + 0.058 * body.limb
        stretch = 1 + (np.maximum(reach / np.maximum(self.radius[rows], 0.02), 1) - 1) * fall
        shape = np.tile(np.eye(3), (len(rows), 1, 1))
        shape[:, 0, 0], shape[:, 2, 2] = stretch[:, 0], stretch[:, 1]
        shape[:, 1, 0] = np.clip(gap[:, 1] / np.maximum(gap[:, 0], 0.06), -0.6, 0.6) * fall[:, 0] * 0.6
        matrix[rows] = rotation[0] @ shape
        moved[rows] = local @ rotation[0].T + position[0]


def _flat(grid):
    return grid.reshape(-1, *grid.shape[2:])


def _orthonormal(matrix):
    """Orthonormalizes each blended matrix by Gram-Schmidt, starting from the axis of the limb."""
    y = matrix[:, :, 1] / np.linalg.norm(matrix[:, :, 1], axis=1, keepdims=True)
    x = matrix[:, :, 0] - y * np.sum(matrix[:, :, 0] * y, axis=1, keepdims=True)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=2)
