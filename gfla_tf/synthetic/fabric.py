"""Fabrics: colors of cloth as functions of position, with their palettes and prints."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

_PALETTE = {
    "white": "f4f1ea", "cream": "e9dcc3", "sand": "cdb48c", "camel": "b98a54", "rust": "b5532f",
    "terracotta": "cc6f4c", "mustard": "d9a536", "lemon": "efd667", "olive": "747a3c", "sage": "9db08c",
    "forest": "2f5d47", "mint": "a8d8c2", "teal": "2a8085", "sky": "8fc0e0", "azure": "3f86c9",
    "cobalt": "2b4fa8", "navy": "27345a", "lilac": "b7a1d3", "plum": "6d3b66", "rose": "e0a0a8",
    "coral": "ee7f6b", "red": "c8333a", "burgundy": "7d2636", "fuchsia": "c8407f", "gray": "9a9c9f",
    "slate": "5d6873", "charcoal": "3b3e44", "black": "25252a", "brown": "6b4a35",
}  # fmt: skip
_DENIM = ("31486b", "4a688f", "6d8db0", "23304a")
_NEUTRAL = ("white", "cream", "sand", "navy", "gray", "slate", "charcoal", "black", "brown", "camel")

# Digits of five rows of three cells each, for the backs of shirts.
_DIGITS = (
    "111101101101111", "010110010010111", "111001111100111", "111001011001111", "101101111001001",
    "111100111001111", "111100111101111", "111001010010010", "111101111101111", "111101111001111",
)  # fmt: skip


def hex_color(text: str) -> np.ndarray:
    """Converts 'rrggbb' to float32 [3] in 0..1."""
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255.0


def random_color(rng: np.random.Generator, neutral: bool = False) -> np.ndarray:
    """Samples a color of the palette, or of its neutral part, with a small shift; float32 [3]."""
    names = _NEUTRAL if neutral else tuple(_PALETTE)
    return vary(rng, hex_color(_PALETTE[names[rng.integers(len(names))]]))


def denim(rng: np.random.Generator) -> np.ndarray:
    """Samples one of four denim colors; float32 [3]."""
    return vary(rng, hex_color(_DENIM[rng.integers(len(_DENIM))]), 0.02)


def vary(rng: np.random.Generator, color: np.ndarray, amount: float = 0.045) -> np.ndarray:
    """Adds normal noise of standard deviation `amount` to a color, and a third of it to each channel."""
    return np.clip(color + rng.normal(0, amount) + rng.normal(0, amount / 3, 3), 0.03, 0.98).astype(
        np.float32
    )


def contrasting(rng: np.random.Generator, color: np.ndarray) -> np.ndarray:
    """Samples a color that is clearly lighter or darker than `color`."""
    for _ in range(12):
        other = random_color(rng)
        if abs(float(other.mean() - color.mean())) > 0.22:
            return other
    return np.clip(1.0 - color, 0.08, 0.92)


class Noise:
    """A smooth random field on the plane: lattice points 1 unit apart, values of about -1..1."""

    def __init__(self, rng: np.random.Generator, size: int = 32):
        self._grid = rng.uniform(-1, 1, (size, size)).astype(np.float32)

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = np.broadcast_arrays(np.asarray(a, np.float32), np.asarray(b, np.float32))
        rows, columns = np.mod(np.atleast_2d(a), len(self._grid)), np.mod(np.atleast_2d(b), len(self._grid))
        field = cv2.remap(self._grid, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
        return field.reshape(a.shape)


@dataclasses.dataclass(frozen=True)
class Fabric:
    """One fabric. Called with positions (along, around) in body heights, it returns colors [..., 3]."""

    kind: str
    base: np.ndarray
    second: np.ndarray
    third: np.ndarray
    scale: float
    noise: Noise

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        kinds: dict[str, float] | None = None,
        base: np.ndarray | None = None,
    ) -> Fabric:
        """Samples a fabric.

        Args:
          rng: the random generator.
          kinds: {pattern: weight} of the allowed patterns; None allows all.
          base: the ground color; None samples one.
        """
        kinds = kinds or {
            "plain": 0.3, "stripes": 0.17, "columns": 0.08, "checks": 0.14, "dots": 0.12, "marl": 0.1,
            "blotches": 0.09,
        }  # fmt: skip
        weights = np.array(list(kinds.values()))
        kind = list(kinds)[rng.choice(len(weights), p=weights / weights.sum())]
        base = random_color(rng) if base is None else base
        second = contrasting(rng, base)
        return cls(kind, base, second, random_color(rng), rng.uniform(0.75, 1.5), Noise(rng))

    def __call__(self, along: np.ndarray, around: np.ndarray) -> np.ndarray:
        a, b = np.broadcast_arrays(np.asarray(along, np.float32), np.asarray(around, np.float32))
        mix = self._second_share(a / self.scale, b / self.scale)[..., None]
        color = self.base + (self.second - self.base) * mix
        if self.kind == "checks":
            third = (np.mod(a / self.scale, 0.048) < 0.005) | (np.mod(b / self.scale, 0.048) < 0.005)
            color = np.where(third[..., None], 0.5 * color + 0.5 * self.third, color)
        if self.kind == "blotches":
            third = np.clip((self.noise(a * 34 + 9.5, b * 34 + 5.1) - 0.25) * 9, 0, 1)[..., None]
            color = color + (self.third - color) * third
        return color.astype(np.float32)

    def _second_share(self, a, b):
        if self.kind == "stripes":
            return (np.mod(a, 0.034) < 0.014).astype(np.float32)
        if self.kind == "columns":
            return (np.mod(b + 0.008, 0.030) < 0.010).astype(np.float32)
        if self.kind == "checks":
            return ((np.mod(a, 0.048) < 0.024) * 0.5 + (np.mod(b, 0.048) < 0.024) * 0.5).astype(np.float32)
        if self.kind == "dots":
            row = np.floor(a / 0.026)
            x = np.mod(b / 0.030 + 0.5 * np.mod(row, 2), 1.0) - 0.5
            y = np.mod(a / 0.026, 1.0) - 0.5
            return np.clip((0.30 - np.hypot(x, y)) * 12, 0, 1)
        if self.kind == "marl":
            return np.clip(0.28 + 0.5 * self.noise(a * 130, b * 130), 0, 1) * 0.6
        if self.kind == "blotches":
            return np.clip((self.noise(a * 26, b * 26) - 0.1) * 8, 0, 1)
        return np.zeros_like(a)


def motif(kind: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Opacity at (x, y), y upward, of one of the prints in `MOTIFS`, whose radius is about 1."""
    radius = np.hypot(x, y)
    angle = np.arctan2(x, y)
    if kind == "disc":
        return radius < 0.9
    if kind == "heart":
        v = y + 0.15
        return (x * x + v * v - 0.55) ** 3 - 1.7 * x * x * v**3 < 0
    if kind == "star":
        return radius * (1.0 + 0.9 * np.abs(np.mod(angle * 5 / (2 * np.pi) + 0.5, 1.0) - 0.5)) < 0.95
    if kind == "ring":
        return np.abs(radius - 0.72) < 0.2
    if kind == "bars":
        return (np.abs(x) < 1.0) & (np.abs(y) < 0.62) & (np.mod(y + 0.62, 0.42) < 0.26)
    return (radius < 0.5) | (
        (radius > 0.64) & (radius < 1.0) & (np.mod(angle * 10 / (2 * np.pi), 1.0) < 0.45)
    )


MOTIFS = ("disc", "heart", "star", "ring", "bars", "sun")


def digit(number: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Opacity at (x, y), y upward, of a digit in a box of half width 0.6 and half height 1."""
    bits = np.array([cell == "1" for cell in _DIGITS[number % 10]]).reshape(5, 3)
    column = np.floor((x + 0.6) / 0.4).astype(int)
    line = np.floor((1.0 - y) / 0.4).astype(int)
    inside = (column >= 0) & (column < 3) & (line >= 0) & (line < 5)
    return inside & bits[np.clip(line, 0, 4), np.clip(column, 0, 2)]
