"""Rendering of one identity: all its images, and the true flow between them, from (seed, split, identity)."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np

from .person import Person, random_person
from .poses import random_pose
from .render import Rendering, render
from .scene import Background, Camera, Light, person_height
from .truth import true_flow

_SPLITS = {"train": 0, "test": 1}
_LARGEST = 1.06 * 1.05  # the largest product of camera scale, body height and perspective
_SPACING = 0.74  # surfel distance in sub-pixels at that scale


@dataclasses.dataclass(frozen=True)
class RenderSettings:
    """The settings that, with a split and an index, determine every sample.

    Attributes:
      image_size: (H, W) in pixels.
      seed: the seed of the dataset.
      images_per_identity: number of images of each person.
      supersample: sub-pixels per pixel along each axis.
      flat: if True, surfaces have their plain colors, without light, shadow and noise.
    """

    image_size: tuple[int, int]
    seed: int
    images_per_identity: int
    supersample: int = 2
    flat: bool = False

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The ordered pairs (source, target) of one identity's images: all (i, j) with i != j."""
        count = range(self.images_per_identity)
        return [(i, j) for i in count for j in count if i != j]

    @property
    def spacing(self) -> float:
        """Distance between neighboring surfels in body heights."""
        return _SPACING / (person_height(*self.image_size) * _LARGEST * self.supersample)


@dataclasses.dataclass(frozen=True)
class Identity:
    """One person and all renderings of that person."""

    person: Person
    renderings: list[Rendering]

    def truth(self, source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
        """Flow and visibility (see `true_flow`) from image `target` into image `source`."""
        return true_flow(self.person.cloud, self.renderings[source], self.renderings[target])

    def sample(self, source: int, target: int, truth: bool, parts: bool) -> dict[str, np.ndarray]:
        """A pair of images as the dict that `SyntheticPeople.sample` documents; its arrays are copies."""
        sample = {}
        for role, number in (("source", source), ("target", target)):
            rendering = self.renderings[number]
            sample[f"{role}_image"] = rendering.image.copy()
            sample[f"{role}_keypoints"] = rendering.keypoints.copy()
            if parts:
                sample[f"{role}_parts"] = rendering.parts.copy()
        if truth:
            sample["flow"], sample["visibility"] = self.truth(source, target)
        return sample


def render_identity(settings: RenderSettings, split: str, identity: int) -> Identity:
    """Renders person number `identity` of `split`; a pure function of its arguments.

    The split is part of every random seed, so no person is in two splits.
    """
    key = [settings.seed, _SPLITS.get(split, zlib.crc32(split.encode())), identity]
    rng = np.random.default_rng([*key, 0])
    person = random_person(rng, settings.spacing)
    background = Background(rng, settings.image_size)
    renderings = []
    for image in range(settings.images_per_identity):
        rng = np.random.default_rng([*key, 1 + image])
        pose = random_pose(rng, person.outfit.skirted)
        camera, light = Camera.random(rng, settings.image_size), Light.random(rng)
        renderings.append(
            render(person, pose, camera, light, background, rng, settings.supersample, settings.flat)
        )
    return Identity(person, renderings)


def render_arrays(
    settings: RenderSettings, split: str, identity: int, truth: bool = False
) -> dict[str, np.ndarray]:
    """Renders one identity as stacked arrays.

    Returns:
      A dict of images uint8 [n, H, W, 3], keypoints float32 [n, 18, 2] and parts uint8 [n, H, W]; if `truth`,
      also flow float32 [p, H, W, 2] and visibility float32 [p, H, W] of the ordered pairs.
    """
    rendered = render_identity(settings, split, identity)
    arrays = {
        "images": np.stack([one.image for one in rendered.renderings]),
        "keypoints": np.stack([one.keypoints for one in rendered.renderings]),
        "parts": np.stack([one.parts for one in rendered.renderings]),
    }
    if truth:
        truths = [rendered.truth(*pair) for pair in settings.pairs]
        arrays["flow"] = np.stack([flow for flow, _ in truths])
        arrays["visibility"] = np.stack([visibility for _, visibility in truths])
    return arrays
