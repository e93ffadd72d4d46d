"""Surfels: a surface as many small oriented points, laid out as tubes of rings that follow the bones.

Every surface is a generalised tube: rings of points around an axis that is vertical in the rest pose. A
ring moves as a whole, by a blend of two bones, which keeps bent elbows and knees smooth. One `SurfelCloud`
holds all tubes of a person; its geometry and colours belong to the identity and serve every image of it.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

_KNOTS = 256  # samples of a tube's profile while its corners are rounded


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
    """A grid of surfels: `rings` along the axis, points around each.

    point, normal: [rings, around, 3] in rest body space; centre: [rings, 3]. theta: [around], 0 in front,
    positive to the person's left. along: [rings], arc length from the first ring; y: [rings] rest height of
    the ring. bones, weight: [rings, 2] and [rings], the share of the first bone. colour [rings, around, 3]
    in 0..1, part and gloss [rings, around], keep: which surfels exist.
    """

    point: np.ndarray
    normal: np.ndarray
    centre: np.ndarray
    theta: np.ndarray
    along: np.ndarray
    y: np.ndarray
    girth: float
    bones: np.ndarray
    weight: np.ndarray
    colour: np.ndarray
    part: np.ndarray
    gloss: np.ndarray
    keep: np.ndarray
    skirt: bool = False

    @property
    def around(self):
        """Arc length around the tube, [1, around], 0 in front."""
        return self.theta[None, :] * (self.girth / (2 * np.pi))

    def displace(self, amount):
        """Moves every point by `amount` [rings, around] along its normal and bends the normals with it."""
        self.point = self.point + self.normal * amount[..., None].astype(np.float32)
        self.normal = grid_normals(self.point, self.centre)

    def wrinkle(self, bumps):
        """Tilts the normals as a height field `bumps` [rings, around] would, without moving points."""
        self.normal = grid_normals(
            self.point + self.normal * bumps[..., None].astype(np.float32), self.centre
        )

    def paint(self, mask, colour):
        """Blends `colour` ([3] or [rings, around, 3]) in with the opacity `mask` [rings, around]."""
        opacity = np.clip(np.asarray(mask, np.float32), 0, 1)[..., None]
        self.colour = self.colour + (np.asarray(colour, np.float32) - self.colour) * opacity

    def inside(self):
        """The inner side of the same surface, a little darker, for surfaces seen from both sides."""
        return dataclasses.replace(
            self, point=self.point - 0.002 * self.normal, normal=-self.normal, colour=self.colour * 0.62
        )


def grid_normals(point, centre):
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
    outward = np.sum(normal[middle] * (point[middle] - centre[middle]))
    length = np.sqrt(np.einsum("ijk,ijk->ij", normal, normal))[..., None]
    return normal / np.copysign(np.maximum(length, 1e-20), np.float32(outward))


def make_tube(
    heights, half_width, half_depth, *, spacing, bones, weight=None, centre_x=0.0, centre_z=None,
    power=2.0, softness=0.05, frame=None, skirt=False,
):  # fmt: skip
    """A tube through rings given by knots.

    heights, half_width, half_depth: [knots], rest y from one end to the other and the ellipse's half axes
    (their corners are rounded). spacing: largest distance between neighbouring surfels. bones: two bone
    numbers; weight: function of y giving the first one's share (None: the first bone alone). centre_z:
    knots of the axis's z. power: 2 an ellipse, larger boxier. frame: (rotation [3, 3], origin [3]) applied
    to the finished tube, for tubes that are not vertical.
    """
    heights = np.asarray(heights, np.float64)
    knots = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(heights), np.diff(half_width)) + 1e-9)])
    dense = np.linspace(0.0, knots[-1], _KNOTS)
    centre_z = np.zeros(len(heights)) if centre_z is None else np.asarray(centre_z, np.float64)
    curves = [np.interp(dense, knots, values) for values in (heights, half_width, half_depth, centre_z)]
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
    centre = np.stack([np.full(rings, float(centre_x)), y, cz], axis=1)
    point = np.empty((rings, count, 3), np.float32)
    point[..., 0] = centre[:, :1] + rx[:, None] * sine
    point[..., 1] = y[:, None]
    point[..., 2] = centre[:, 2:] + rz[:, None] * cosine
    share = np.ones(rings) if weight is None else np.clip(weight(y), 0.0, 1.0)
    if frame is not None:
        rotation, origin = frame
        point = point @ rotation.T.astype(np.float32) + origin.astype(np.float32)
        centre = centre @ rotation.T + origin
    return Tube(
        point=point,
        normal=grid_normals(point, centre),
        centre=centre,
        theta=theta,
        along=along,
        y=y,
        girth=girth,
        bones=np.tile(np.asarray(bones, np.int64), (rings, 1)),
        weight=share,
        colour=np.full((rings, count, 3), 0.5, np.float32),
        part=np.zeros((rings, count), np.uint8),
        gloss=np.zeros((rings, count), np.float32),
        keep=np.ones((rings, count), bool),
        skirt=skirt,
    )


class SurfelCloud:
    """All surfels of one person, flattened ring by ring.

    offset, normal: float32 [3, N], relative to the ring's centre; colour float32 [N, 3]; gloss [N]; part
    uint8 [N]; ring int32 [N], the ring of each surfel; counts [R]. Per ring: centre [R, 3], bones [R, 2],
    weight [R], skirt [R] bool, radius [R, 2] the half axes.
    """

    def __init__(self, tubes):
        def rings(field):
            return np.concatenate([getattr(tube, field) for tube in tubes])

        def surfels(values):
            kept = zip(values, tubes, strict=True)
            return np.concatenate(
                [_flat(value) if tube.keep.all() else value[tube.keep] for value, tube in kept]
            )

        self.centre, self.bones, self.weight = rings("centre"), rings("bones"), rings("weight")
        self.skirt = np.concatenate([np.full(len(tube.y), tube.skirt) for tube in tubes])
        offsets = [tube.point - tube.centre[:, None].astype(np.float32) for tube in tubes]
        self.radius = np.concatenate([np.abs(offset).max(axis=1)[:, ::2] for offset in offsets])
        self.counts = np.concatenate([tube.keep.sum(axis=1) for tube in tubes])
        self.ring = np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)
        self.offset = np.ascontiguousarray(surfels(offsets).T, np.float32)
        self.normal = np.ascontiguousarray(surfels([tube.normal for tube in tubes]).T, np.float32)
        self.colour = surfels([tube.colour for tube in tubes]).astype(np.float32)
        self.part = surfels([tube.part for tube in tubes])
        self.gloss = surfels([tube.gloss for tube in tubes])

    def __len__(self):
        return len(self.ring)

    def ring_transforms(self, body, rotation, position):
        """Each ring's linear map [R, 3, 3] and centre [R, 3], for the bones of `forward_kinematics`."""
        pivots = body.pivots()
        share = self.weight[:, None]
        first, second = self.bones[:, 0], self.bones[:, 1]
        matrix = rotation[first] * share[..., None] + rotation[second] * (1 - share[..., None])
        blended = (self.weight > 0) & (self.weight < 1)
        matrix[blended] = _orthonormal(matrix[blended])
        centre = self.centre
        at_first = np.einsum("rij,rj->ri", rotation[first], centre - pivots[first]) + position[first]
        at_second = np.einsum("rij,rj->ri", rotation[second], centre - pivots[second]) + position[second]
        placed = at_first * share + at_second * (1 - share)
        if self.skirt.any():
            self._drape(body, rotation, position, matrix, placed)
        return matrix, placed

    def _drape(self, body, rotation, position, matrix, placed):
        """Widens and tilts the skirt's rings so that they hold both legs."""
        rows = np.flatnonzero(self.skirt)
        pivots, height = body.pivots(), self.centre[rows, 1]
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
        own = self.centre[rows] - pivots[0]
        local = own * (1 - fall) + middle * fall
        local[:, 1] = own[:, 1] * (1 - 0.7 * fall[:, 0]) + middle[:, 1] * 0.7 * fall[:, 0]
        reach = np.abs(gap[:, ::2]) / 2 + 0.058 * body.limb
        stretch = 1 + (np.maximum(reach / np.maximum(self.radius[rows], 0.02), 1) - 1) * fall
        shape = np.tile(np.eye(3), (len(rows), 1, 1))
        shape[:, 0, 0], shape[:, 2, 2] = stretch[:, 0], stretch[:, 1]
        shape[:, 1, 0] = np.clip(gap[:, 1] / np.maximum(gap[:, 0], 0.06), -0.6, 0.6) * fall[:, 0] * 0.6
        matrix[rows] = rotation[0] @ shape
        placed[rows] = local @ rotation[0].T + position[0]


def _flat(grid):
    return grid.reshape(-1, *grid.shape[2:])


def _orthonormal(matrix):
    """The nearest-looking rotation to each blended matrix, by Gram-Schmidt from the axis of the limb."""
    y = matrix[:, :, 1] / np.linalg.norm(matrix[:, :, 1], axis=1, keepdims=True)
    x = matrix[:, :, 0] - y * np.sum(matrix[:, :, 0] * y, axis=1, keepdims=True)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=2)
