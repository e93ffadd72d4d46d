"""Rendering of a posed person: surfels are z-buffered at sub-pixel resolution, shaded and averaged."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from .body import BONE, PART, Pose, forward_kinematics
from .joints import project_keypoints
from .person import Person
from .scene import Background, Camera, Light
from .surfels import SurfelCloud

_DEPTH_STEPS = 1 << 20
NEAR, FAR = 1.2, -1.2  # range of the depth buffer in body heights, positive toward the camera


@dataclasses.dataclass
class Rendering:
    """One rendered image with its annotations and the geometry that `true_flow` needs.

    Attributes:
      image: uint8 [H, W, 3].
      keypoints: float32 [18, 2], (y, x) in pixels, -1 where not visible.
      parts: uint8 [H, W], part labels.
      surfel: int32 [H, W], the surfel visible in each pixel, -1 for the background.
      depth: float32 [H * supersample, W * supersample], depth of the nearest surface.
      matrix: float32 [R, 3, 3], linear map of each ring of surfels.
      center: float32 [R, 3], world position of each ring.
      camera: the camera.
    """

    image: np.ndarray
    keypoints: np.ndarray
    parts: np.ndarray
    surfel: np.ndarray
    depth: np.ndarray
    matrix: np.ndarray
    center: np.ndarray
    camera: Camera

    def project(
        self, cloud: SurfelCloud, ids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Image x, y, depth and facing (1 toward the camera) of the surfels `ids`, each float32 [n]."""
        ring = cloud.ring[ids]
        matrix, center = self.matrix[ring], self.center[ring]
        point = np.einsum("nij,jn->in", matrix, cloud.offset[:, ids]) + center.T
        x, y = self.camera.project(point)
        facing = np.einsum("nj,jn->n", matrix[:, 2], cloud.normal[:, ids])
        return x, y, point[2], facing


def render(
    person: Person,
    pose: Pose,
    camera: Camera,
    light: Light,
    background: Background,
    rng: np.random.Generator,
    supersample: int = 2,
    flat: bool = False,
) -> Rendering:
    """Renders `person` in `pose`; `flat` omits light, shadow and noise."""
    height, width = camera.image_size
    cloud, ss = person.cloud, supersample
    rotation, position = forward_kinematics(person.body, pose)
    matrix, center = cloud.ring_transforms(person.body, rotation, position)
    size = person.body.height
    rotation, position = rotation * size, position * size
    matrix, center = (matrix * size).astype(np.float32), (center * size).astype(np.float32)
    ids, depth = _splat(cloud, matrix, center, camera, ss)
    surfel = _dominant(ids, cloud.part, ss)
    parts = np.where(surfel >= 0, cloud.part[np.maximum(surfel, 0)], PART["background"]).astype(np.uint8)
    keypoints = project_keypoints(person, rotation, position, camera, depth)
    paint = np.zeros((height * ss, width * ss, 4), np.float32)
    rows, columns = np.nonzero(ids >= 0)
    paint[rows, columns, :3] = _shade(
        cloud, matrix, ids[rows, columns], depth, (rows, columns), camera, light, flat
    )
    paint[rows, columns, 3] = 1.0
    paint = cv2.resize(paint, (width, height), interpolation=cv2.INTER_AREA)
    scenery = background.view(camera)
    if not flat:
        scenery = scenery * (1 - _floor_shadow(position, camera, light))[..., None]
    image = paint[..., :3] + scenery * (1 - paint[..., 3:])
    if not flat:
        image = image * light.over_frame(camera.image_size)
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(light.noise)
    image = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Rendering(image, keypoints, parts, surfel, depth, matrix, center, camera)


def _splat(cloud, matrix, center, camera, ss):
    """The nearest surfel [H*ss, W*ss] of each sub-pixel (-1 if none), and its depth (FAR if none)."""
    height, width = camera.image_size[0] * ss, camera.image_size[1] * ss
    counts, normal = cloud.counts, cloud.normal
    facing = sum(np.repeat(matrix[:, 2, axis], counts) * normal[axis] for axis in range(3))
    front = np.flatnonzero(facing > 0.0)
    ring, offset = cloud.ring[front], cloud.offset[:, front]
    maps = np.take(np.ascontiguousarray(matrix.reshape(-1, 9).T), ring, axis=1)
    at = np.take(np.ascontiguousarray(center.T), ring, axis=1)
    x = maps[0] * offset[0] + maps[1] * offset[1] + maps[2] * offset[2] + at[0]
    y = maps[3] * offset[0] + maps[4] * offset[1] + maps[5] * offset[2] + at[1]
    z = maps[6] * offset[0] + maps[7] * offset[1] + maps[8] * offset[2] + at[2]
    px, py = camera.project((x, y, z))
    column = np.floor((px + np.float32(0.5)) * ss).astype(np.int32)
    row = np.floor((py + np.float32(0.5)) * ss).astype(np.int32)
    inside = np.flatnonzero((column >= 0) & (column < width) & (row >= 0) & (row < height))
    step = ((NEAR - z[inside]) * (_DEPTH_STEPS / (NEAR - FAR))).astype(np.int64)
    key = (np.clip(step, 0, _DEPTH_STEPS - 1) << 32) | front[inside]
    buffer = np.full(height * width, np.iinfo(np.int64).max)
    np.minimum.at(buffer, row[inside] * np.int64(width) + column[inside], key)
    buffer = _fill_holes(buffer.reshape(height, width))
    empty = buffer == np.iinfo(np.int64).max
    ids = np.where(empty, -1, buffer & 0xFFFFFFFF).astype(np.int32)
    depth = np.where(empty, FAR, NEAR - (buffer >> 32) * ((NEAR - FAR) / _DEPTH_STEPS)).astype(np.float32)
    return ids, depth


def _fill_holes(buffer):
    """Fills an empty sub-pixel between two filled ones, in its row or column, with the farther of them."""
    empty = np.iinfo(np.int64).max
    middle = buffer[1:-1, 1:-1]
    for first, second in (
        (buffer[1:-1, :-2], buffer[1:-1, 2:]),
        (buffer[:-2, 1:-1], buffer[2:, 1:-1]),
    ):
        hole = (middle == empty) & (first != empty) & (second != empty)
        middle[hole] = np.maximum(first, second)[hole]
    return buffer


def _dominant(ids, part, ss):
    """A surfel of the most frequent part among each pixel's sub-pixels, -1 where that is the background."""
    height, width = ids.shape[0] // ss, ids.shape[1] // ss
    blocks = ids.reshape(height, ss, width, ss).transpose(1, 3, 0, 2).reshape(ss * ss, height, width)
    labels = np.where(blocks >= 0, part[np.maximum(blocks, 0)], 0)
    votes = np.stack([(labels == label).sum(axis=0, dtype=np.uint8) for label in labels])
    votes = votes * 2 + (labels != 0)  # a tie is decided against the background
    best = votes.argmax(axis=0)
    return np.take_along_axis(blocks, best[None], axis=0)[0]


def _shade(cloud, matrix, ids, depth, where, camera, light, flat):
    """Colors [n, 3] of the surfels `ids`: wrapped Lambert, sky light, contact shadow, rim and gloss."""
    color = cloud.color[ids]
    if flat:
        return color
    normal = np.einsum("nij,jn->ni", matrix[cloud.ring[ids]], cloud.normal[:, ids])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    diffuse = np.clip((normal @ light.direction + 0.30) / 1.30, 0, 1)
    sky = 0.5 + 0.5 * normal[:, 1]
    reach = max(3, int(0.05 * camera.unit * depth.shape[0] / camera.image_size[0]) | 1)
    near = cv2.blur(depth, (reach, reach))[where] - depth[where]
    contact = 1 - 0.45 * np.clip(near * 9, 0, 1)
    half = light.direction + np.array([0, 0, 1], np.float32)
    gloss = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 18 * cloud.gloss[ids]
    rim = np.clip(1 - normal[:, 2], 0, 1) ** 3
    power = (light.ambient * (0.80 + 0.28 * sky) + (1.12 - light.ambient) * diffuse) * contact
    return color * (power * (1 - 0.18 * rim))[:, None] + (0.35 * gloss * contact)[:, None]


def _floor_shadow(position, camera, light):
    """Darkness [H, W] of the soft shadow under both feet."""
    height, width = camera.image_size
    unit = camera.unit
    shade = np.zeros((height, width), np.float32)
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    for foot in (BONE["left_foot"], BONE["right_foot"]):
        fx, fy = camera.project(np.array([position[foot, 0], 0.0, position[foot, 2]]))
        fx = fx - light.direction[0] * 0.05 * unit
        row = np.exp(-(((y - fy) / (0.028 * unit)) ** 2))
        column = np.exp(-(((x - fx) / (0.105 * unit)) ** 2))
        shade = np.maximum(shade, row * column)
    return 0.42 * shade
