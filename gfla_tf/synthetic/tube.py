"""Generalized tubes: surfaces of surfels (small oriented points) in rings around an axis.

The axis is vertical in the rest pose. Each ring moves rigidly, by a blend of two bones, so that bent elbows
and knees stay smooth.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

_KNOTS = 256  # samples of a tube's profile, for rounding its corners


@functools.lru_cache(maxsize=16)
def _rounding(softness):
    """The matrix [256, 256] that smooths a profile over `softness` of its length and keeps its ends."""
    width = max(3, int(_KNOTS * softness) | 1)
    kernel = np.hanning(width + 2)[1:-1]
    line = np.eye(_KNOTS)
    before = 2 * line[:1] - line[width // 2 : 0 : -1]
    after = 2 * line[-1:] - line[-2 : -width // 2 - 1 : -1]
    padded = np.concatenate([before, line, after])
    return sum(share * padded[n : n + _KNOTS] for n, share in enumerate(kernel / kernel.sum()))


@dataclasses.dataclass
class Tube:
    """A grid of surfels: rings along an axis, each with the same number of points.

    Attributes:
      point: [rings, around, 3], positions in the rest pose.
      normal: [rings, around, 3], unit normals in the rest pose.
      center: [rings, 3], the center of each ring.
      theta: [around], angle of each point: 0 in front, positive to the person's left.
      along: [rings], arc length from the first ring.
      y: [rings], rest height of each ring.
      girth: the largest circumference.
      bones: [rings, 2], the two bones that each ring follows.
      weight: [rings], the share of the first bone.
      color: [rings, around, 3] in 0..1.
      part: [rings, around], part labels.
      gloss: [rings, around], strength of the specular highlight.
      keep: [rings, around], the surfels that exist.
      skirt: whether the rings are widened to enclose both legs.
    """

    point: np.ndarray
    normal: np.ndarray
    center: np.ndarray
    theta: np.ndarray
    along: np.ndarray
    y: np.ndarray
    girth: float
    bones: np.ndarray
    weight: np.ndarray
    color: np.ndarray
    part: np.ndarray
    gloss: np.ndarray
    keep: np.ndarray
    skirt: bool = False

    @property
    def around(self) -> np.ndarray:
        """Arc length around the tube, [1, around], 0 in front."""
        return self.theta[None, :] * (self.girth / (2 * np.pi))

    def displace(self, amount: np.ndarray) -> None:
        """Moves every point along its normal by `amount` [rings, around] and recomputes the normals."""
        self.point = self.point + self.normal * amount[..., None].astype(np.float32)
        self.normal = grid_normals(self.point, self.center)

    def wrinkle(self, bumps: np.ndarray) -> None:
        """Applies a bump map: tilts the normals by a height field [rings, around] without moving points."""
        self.normal = grid_normals(
            self.point + self.normal * bumps[..., None].astype(np.float32), self.center
        )

    def paint(self, mask: np.ndarray, color: np.ndarray) -> None:
        """Blends in `color` ([3] or [rings, around, 3]) with the opacity `mask` [rings, around]."""
        opacity = np.clip(np.asarray(mask, np.float32), 0, 1)[..., None]
        self.color = self.color + (np.asarray(color, np.float32) - self.color) * opacity

    def inside(self) -> Tube:
        """The inner side of the surface, slightly darker, for surfaces that are visible from both sides."""
        return dataclasses.replace(
            self, point=self.point - 0.002 * self.normal, normal=-self.normal, color=self.color * 0.62
        )


def grid_normals(point: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Outward unit normals of a ring grid, by central differences, float32 [rings, around, 3]."""
    along = np.empty_like(point)
    along[1:-1] = point[2:] - point[:-2]
    along[0], along[-1] = point[1] - point[0], point[-1] - point[-2]
    around = np.empty_like(point)
    around[:, 1:-1] = point[:, 2:] - point[:, :-2]
    around[:, 0], around[:, -1] = point[:, 1] - point[:, -1], point[:, 0] - point[:, -2]
    (ax, ay, az), (bx, by, bz) = np.moveaxis(along, -1, 0), np.moveaxis(around, -1, 0)
    normal = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
    middle = len(point) // 2
    outward = np.sum(normal[middle] * (point[middle] - center[middle]))
    length = np.sqrt(np.einsum("ijk,ijk->ij", normal, normal))[..., None]
    return normal / np.copysign(np.maximum(length, 1e-20), np.float32(outward))


def make_tube(
    heights: np.ndarray,
    half_width: np.ndarray,
    half_depth: np.ndarray,
    *,
    spacing: float,
    bones: tuple[int, int],
    weight: Callable[[np.ndarray], np.ndarray] | None = None,
    center_x: float = 0.0,
    center_z: np.ndarray | None = None,
    power: float = 2.0,
    softness: float = 0.05,
    frame: tuple[np.ndarray, np.ndarray] | None = None,
    skirt: bool = False,
) -> Tube:
    """Creates a tube from its profile.

    Args:
      heights: [knots], rest y of the profile, from one end to the other.
      half_width: [knots], half axis of the ellipse along x; corners of the profile are rounded.
      half_depth: [knots], half axis of the ellipse along z.
      spacing: the largest distance between neighboring surfels.
      bones: the two bones that the rings follow.
      weight: a function of y that returns the share of the first bone; None is the first bone alone.
      center_x: x of the axis.
      center_z: [knots], z of the axis; None is 0.
      power: 2 gives ellipses, larger values boxier rings.
      softness: the fraction of the profile's length over which corners are rounded.
      frame: (rotation [3, 3], origin [3]), applied to the finished tube if it is not vertical.
      skirt: see `Tube`.
    """
    heights = np.asarray(heights, np.float64)
    knots = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(heights), np.diff(half_width)) + 1e-9)])
    dense = np.linspace(0.0, knots[-1], _KNOTS)
    center_z = np.zeros(len(heights)) if center_z is None else np.asarray(center_z, np.float64)
    curves = [np.interp(dense, knots, values) for values in (heights, half_width, half_depth, center_z)]
    curves = np.stack(curves) @ _rounding(softness).T
    steps = np.sqrt(
        np.diff(curves[0]) ** 2 + np.maximum(np.abs(np.diff(curves[1])), np.abs(np.diff(curves[2]))) ** 2
    )
    length = np.concatenate([[0.0], np.cumsum(steps)])
    rings = max(3, int(np.ceil(length[-1] / spacing)) + 1)
    along = np.linspace(0.0, length[-1], rings)
    y, rx, rz, cz = (np.interp(along, length, curve) for curve in curves)
    rx, rz = np.maximum(rx, 1e-4), np.maximum(rz, 1e-4)
    girth = np.pi * (rx.max() + rz.max()) * (1.0 if power <= 2 else 1.08)
    count = max(6, int(np.ceil(girth * 1.05 / spacing)))
    theta = (np.arange(count) + 0.5) / count * 2 * np.pi - np.pi
    sine, cosine = np.sin(theta), np.cos(theta)
    if power != 2.0:
        sine, cosine = (np.sign(v) * np.abs(v) ** (2.0 / power) for v in (sine, cosine))
    center = np.stack([np.full(rings, float(center_x)), y, cz], axis=1)
    point = np.empty((rings, count, 3), np.float32)
    point[..., 0] = center[:, :1] + rx[:, None] * sine
    point[..., 1] = y[:, None]
    point[..., 2] = center[:, 2:] + rz[:, None] * cosine
    share = np.ones(rings) if weight is None else np.clip(weight(y), 0.0, 1.0)
    if frame is not None:
        rotation, origin = frame
        point = point @ rotation.T.astype(np.float32) + origin.astype(np.float32)
        center = center @ rotation.T + origin
    return Tube(
        point=point,
        normal=grid_normals(point, center),
        center=center,
        theta=theta,
        along=along,
        y=y,
        girth=girth,
        bones=np.tile(np.asarray(bones, np.int64), (rings, 1)),
        weight=share,
        color=np.full((rings, count, 3), 0.5, np.float32),
        part=np.zeros((rings, count), np.uint8),
        gloss=np.zeros((rings, count), np.float32),
        keep=np.ones((rings, count), bool),
        skirt=skirt,
    )
