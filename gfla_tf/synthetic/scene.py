"""Camera, light and background of a rendering."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from .fabric import Noise, hex_color, vary

_BACKDROPS = (
    "d9d6d0",
    "c9ced3",
    "e4ddd2",
    "bfc9c4",
    "d8c8c0",
    "c4c1cf",
    "efece6",
    "a9b4bd",
    "d6cfb8",
    "8f979e",
)
_WALLS = ("b39b84", "a5a9ab", "c7b7a0", "9c7a66", "7f8a8f", "c5c0b4", "8d9a84", "b58a74", "d2c9bb", "6f7b86")
_PERSON = 0.86  # height of an average person as a fraction of the frame's, at scale 1
_PERSPECTIVE = 0.16  # relative growth of the scale per body height toward the camera


@dataclasses.dataclass(frozen=True)
class Camera:
    """A camera with the frame's size, scale and shift.

    Attributes:
      image_size: (H, W) in pixels.
      scale: at 1, an average person is 0.86 of the frame high.
      shift: (x, y) in pixels.
    """

    image_size: tuple[int, int]
    scale: float
    shift: tuple[float, float]

    @classmethod
    def random(cls, rng: np.random.Generator, image_size: tuple[int, int]) -> Camera:
        """Samples a camera."""
        height, width = image_size
        reach = 0.17 * width if width >= 0.8 * height else 0.08 * width
        shift = (rng.uniform(-reach, reach), rng.uniform(-0.06, 0.06) * height)
        return cls(image_size, rng.uniform(0.75, 1.05), shift)

    @property
    def unit(self) -> float:
        """Pixels per body height, at the distance of the person."""
        height, width = self.image_size
        return person_height(height, width) * self.scale

    @property
    def origin(self) -> tuple[float, float]:
        """Pixel position (x, y) of the center of an average person."""
        height, width = self.image_size
        return (width - 1) / 2 + self.shift[0], (height - 1) / 2 + self.shift[1]

    def project(self, point: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Image (x, y) of world points, given as arrays x, y, z in body heights (y = 0 is the floor)."""
        x, y, z = point
        unit = np.float32(self.unit) * (1 + np.float32(_PERSPECTIVE) * z)
        ox, oy = self.origin
        return np.float32(ox) + x * unit, np.float32(oy) - (y - np.float32(0.5)) * unit


def person_height(height: int, width: int) -> float:
    """Height in pixels of an average person at scale 1 in a frame of this size."""
    return _PERSON * min(height, 2.2 * width)


@dataclasses.dataclass(frozen=True)
class Light:
    """The light of a rendering.

    Attributes:
      direction: float32 [3], unit vector toward the key light.
      ambient: share of the ambient light.
      tint: float32 [3], gain of each color channel.
      gradient: change of brightness from the center of the frame to its edge, (x, y).
      noise: standard deviation of the sensor noise.
    """

    direction: np.ndarray
    ambient: float
    tint: np.ndarray
    gradient: tuple[float, float]
    noise: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Light:
        """Samples a light."""
        direction = np.array([rng.uniform(-0.9, 0.9), rng.uniform(0.15, 0.9), rng.uniform(0.45, 1.0)])
        warmth = np.clip(rng.normal(0, 0.05), -0.09, 0.09)
        tint = np.array([1 + warmth, 1 + rng.normal(0, 0.015), 1 - warmth]) * rng.uniform(0.88, 1.08)
        return cls(
            (direction / np.linalg.norm(direction)).astype(np.float32), rng.uniform(0.42, 0.62),
            tint.astype(np.float32),
            (rng.uniform(-0.16, 0.16), rng.uniform(-0.12, 0.12)), rng.uniform(0.003, 0.012),
        )  # fmt: skip

    def over_frame(self, image_size: tuple[int, int]) -> np.ndarray:
        """The gain [H, W, 3] of tint and gradient at each pixel."""
        height, width = image_size
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        ramp = 1 + np.float32(self.gradient[0]) * x + np.float32(self.gradient[1]) * y
        return ramp[..., None] * self.tint


class Background:
    """The image behind one person, on a canvas larger than the frame, so that cameras can move over it."""

    MARGIN = 1.7

    def __init__(self, rng: np.random.Generator, image_size: tuple[int, int]):
        height, width = image_size
        self._size = (int(height * self.MARGIN), int(width * self.MARGIN))
        self._unit = person_height(height, width)
        self.street = rng.random() < 0.45
        canvas = self._street(rng) if self.street else self._studio(rng)
        self._canvas = np.ascontiguousarray(canvas, np.float32)

    def _to_row(self, y):
        """Canvas row of the height y (body units)."""
        return (self._size[0] - 1) / 2 - (y - 0.5) * self._unit

    def view(self, camera: Camera) -> np.ndarray:
        """The background in the camera's frame, float32 [H, W, 3] in 0..1."""
        height, width = camera.image_size
        ox, oy = camera.origin
        k = 1 / camera.scale
        matrix = np.array(
            [[k, 0, (self._size[1] - 1) / 2 - ox * k], [0, k, (self._size[0] - 1) / 2 - oy * k]], np.float32
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(
            self._canvas, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )

    def _studio(self, rng):
        height, width = self._size
        wall = vary(rng, hex_color(_BACKDROPS[rng.integers(len(_BACKDROPS))]), 0.03)
        if rng.random() < 0.2:
            wall = vary(rng, hex_color(_BACKDROPS[rng.integers(len(_BACKDROPS))]) * 0.55, 0.04)
        y = np.arange(height, dtype=np.float32)[:, None]
        x = np.arange(width, dtype=np.float32)[None, :]
        cx, cy = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.25, 0.5)
        glow = np.exp(-(((x - cx) / (0.55 * width)) ** 2 + ((y - cy) / (0.5 * height)) ** 2))
        horizon = self._to_row(rng.uniform(0.03, 0.16))
        sweep = 0.05 * self._unit
        floor = 1 / (1 + np.exp(np.clip(-(y - horizon) / sweep, -30, 30)))
        shade = (0.86 + 0.18 * glow) * (
            1 - 0.10 * np.exp(-(((y - horizon) / (2.2 * sweep)) ** 2))
        ) + 0.03 * floor
        return np.clip(wall * shade[..., None], 0, 1)

    def _street(self, rng):
        height, width = self._size
        unit = self._unit
        wall = vary(rng, hex_color(_WALLS[rng.integers(len(_WALLS))]))
        canvas = np.empty((height, width, 3), np.float32)
        canvas[:] = wall
        ground = int(self._to_row(rng.uniform(0.05, 0.14)))
        self._masonry(rng, canvas, wall, ground)
        x = rng.uniform(-0.3, 0.0) * unit
        while x < width:
            w = rng.uniform(0.28, 0.5) * unit
            kind = rng.random()
            if kind < 0.45:
                self._window(
                    rng,
                    canvas,
                    x,
                    self._to_row(rng.uniform(0.85, 1.2)),
                    w,
                    rng.uniform(0.4, 0.6) * unit,
                    wall,
                )
            elif kind < 0.75:
                self._window(
                    rng, canvas, x, ground - rng.uniform(0.75, 1.0) * unit, w, 1.1 * unit, wall, ground
                )
            x += w + rng.uniform(0.12, 0.5) * unit
        self._pavement(rng, canvas, ground)
        for _ in range(rng.integers(1, 5)):
            self._plant(rng, canvas, ground)
        blur = max(0.4, 0.008 * unit)
        canvas = cv2.GaussianBlur(canvas, (0, 0), blur)
        mottle = Noise(rng)
        y, x = np.arange(height)[:, None] / unit, np.arange(width)[None, :] / unit
        canvas *= (1 + 0.05 * mottle(y * 5, x * 5) + 0.04 * mottle(y * 17, x * 17))[..., None]
        return np.clip(canvas, 0, 1)

    def _masonry(self, rng, canvas, wall, ground):
        if rng.random() < 0.5:
            return
        height, width = self._size
        course = 0.05 * self._unit
        y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
        row = np.floor(y / course)
        brick = np.floor(x / (2.4 * course) + 0.5 * np.mod(row, 2))
        tone = Noise(rng)(row * 3.7, brick * 5.3)
        joint = (np.mod(y, course) < 0.12 * course) | (
            np.mod(x / (2.4 * course) + 0.5 * np.mod(row, 2), 1) < 0.05
        )
        canvas *= np.where(joint, 1.10, 1 + 0.16 * tone)[..., None]

    def _window(self, rng, canvas, x, y, w, h, wall, ground=None):
        bottom = y + h if ground is None else min(y + h, ground)
        frame = np.clip(wall * rng.uniform(0.5, 1.35), 0, 1)
        glass = np.array([0.30, 0.36, 0.42]) * rng.uniform(0.6, 1.5) + rng.uniform(0, 0.1)
        edge = max(1.0, 0.022 * self._unit)
        _box(canvas, x - edge, y - edge, x + w + edge, bottom + edge, frame)
        _box(canvas, x, y, x + w, bottom, vary(rng, glass, 0.04))
        _box(canvas, x, y, x + w, y + 0.3 * h, np.clip(glass * 1.35, 0, 1))
        if ground is None:
            _box(canvas, x + w / 2 - edge / 2, y, x + w / 2 + edge / 2, bottom, frame)
        else:
            awning = vary(rng, hex_color(("b5532f", "2f5d47", "27345a", "d9a536")[rng.integers(4)]), 0.05)
            _box(canvas, x - 2 * edge, y - 4 * edge, x + w + 2 * edge, y + 2 * edge, awning)

    def _pavement(self, rng, canvas, ground):
        height, width = self._size
        if ground >= height:
            return
        stone = vary(rng, hex_color(("8f8c86", "a39d92", "7b7d80")[rng.integers(3)]))
        depth = np.arange(height - ground, dtype=np.float32)[:, None] / self._unit
        x = (np.arange(width, dtype=np.float32)[None, :] - width / 2) / self._unit
        rows = np.mod(np.log1p(depth * 18) * 3, 1) < 0.07
        columns = np.mod(x / (0.20 + 0.5 * depth) + 0.5, 1) < 0.05
        canvas[ground:] = (
            stone * (0.9 + 0.25 * depth)[..., None] * np.where(rows | columns, 0.86, 1.0)[..., None]
        )
        _box(canvas, 0, ground - 0.012 * self._unit, width, ground, stone * 0.62)

    def _plant(self, rng, canvas, ground):
        x, radius = rng.uniform(0, self._size[1]), rng.uniform(0.05, 0.13) * self._unit
        green = vary(rng, hex_color(("48663f", "5d7a45", "38513c")[rng.integers(3)]))
        for _ in range(9):
            center = (int(x + rng.normal(0, radius)), int(ground - radius * rng.uniform(0.6, 3.2)))
            cv2.circle(
                canvas,
                center,
                max(1, int(radius * rng.uniform(0.4, 0.8))),
                vary(rng, green, 0.05).tolist(),
                -1,
                cv2.LINE_AA,
            )
        _box(
            canvas,
            x - radius * 0.8,
            ground - radius,
            x + radius * 0.8,
            ground + 0.02 * self._unit,
            np.array([0.55, 0.36, 0.28]),
        )


def _box(canvas, left, top, right, bottom, color):
    corner, other = (int(left), int(top)), (int(right) - 1, int(bottom) - 1)
    if other[0] >= corner[0] and other[1] >= corner[1]:
        cv2.rectangle(canvas, corner, other, [float(c) for c in color], -1)
