"""From (seed, split, identity) to finished pictures: the recipe of SyntheticPeople, in NumPy alone."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np

from .figure import Figure, make_figure
from .poses import random_pose
from .render import Drawing, draw
from .scene import Background, Camera, Light, figure_height
from .truth import true_flow

_SPLITS = {"train": 0, "test": 1}
_LARGEST = 1.06 * 1.05  # camera scale, body height and nearness at their largest
_SPACING = 0.74  # surfel distance in sub-pixels at that scale


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What determines every picture.

    supersample: sub-pixels a pixel, each way. flat: bare colours, no light or noise.
    """

    image_size: tuple
    seed: int
    images_per_identity: int
    supersample: int = 2
    flat: bool = False

    @property
    def pairs(self):
        """The ordered pairs (source, target) of one identity's images, [(i, j), ...] with i != j."""
        count = range(self.images_per_identity)
        return [(i, j) for i in count for j in count if i != j]

    @property
    def spacing(self):
        """Distance of neighbouring surfels in body heights."""
        return _SPACING / (figure_height(*self.image_size) * _LARGEST * self.supersample)


@dataclasses.dataclass(frozen=True)
class Identity:
    """One person and their pictures."""

    figure: Figure
    drawings: list[Drawing]

    def truth(self, source, target):
        """`true_flow` between two of the pictures, by number."""
        return true_flow(self.figure.cloud, self.drawings[source], self.drawings[target])


def draw_identity(recipe, split, identity):
    """Draws person number `identity` of `split`: a pure function of its arguments.

    Splits never share a person: the split is part of every random seed.
    """
    key = [recipe.seed, _SPLITS.get(split, zlib.crc32(split.encode())), identity]
    rng = np.random.default_rng([*key, 0])
    figure = make_figure(rng, recipe.spacing)
    background = Background(rng, recipe.image_size)
    drawings = []
    for image in range(recipe.images_per_identity):
        rng = np.random.default_rng([*key, 1 + image])
        pose = random_pose(rng, figure.outfit.skirted)
        camera, light = Camera.random(rng, recipe.image_size), Light.random(rng)
        drawings.append(draw(figure, pose, camera, light, background, rng, recipe.supersample, recipe.flat))
    return Identity(figure, drawings)


def draw_arrays(recipe, split, identity, truth=False):
    """One identity's images, keypoints and parts, with truth also flow and visibility of each pair."""
    person = draw_identity(recipe, split, identity)
    arrays = {name: np.stack([getattr(d, name[:-1] if name == "images" else name) for d in person.drawings])
              for name in ("images", "keypoints", "parts")}  # fmt: skip
    if truth:
        truths = [person.truth(*pair) for pair in recipe.pairs]
        arrays["flow"] = np.stack([flow for flow, _ in truths])
        arrays["visibility"] = np.stack([visibility for _, visibility in truths])
    return arrays
