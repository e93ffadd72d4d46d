"""A synthetic person: body, head and garments as one cloud of surfels."""

from __future__ import annotations

import dataclasses

import numpy as np

from .body import BONE, PART, Body
from .head import Complexion, head_tubes
from .limbs import limb_tubes
from .surfels import SurfelCloud
from .torso import torso_tube
from .tube import make_tube
from .wardrobe import Outfit


@dataclasses.dataclass(frozen=True)
class Person:
    """One person in the rest pose: proportions, complexion, clothes and surfels."""

    body: Body
    complexion: Complexion
    outfit: Outfit
    cloud: SurfelCloud


def random_person(rng: np.random.Generator, spacing: float) -> Person:
    """Samples a person whose surfels are at most `spacing` (body heights) apart."""
    body = Body.random(rng)
    complexion = Complexion(rng)
    outfit = Outfit(rng, body)
    tubes = [torso_tube(body, complexion, outfit, spacing)]
    tubes += limb_tubes(body, complexion, outfit, spacing)
    tubes += head_tubes(body, complexion, spacing)
    if outfit.skirted:
        skirt = _skirt(body, outfit, spacing)
        tubes += [skirt, skirt.inside()]
    tubes += _bag(body, outfit, spacing)
    return Person(body, complexion, outfit, SurfelCloud(tubes))


def _skirt(body, outfit, spacing):
    waist = body.hip_y + (outfit.hem if outfit.bottom == "skirt" else 0.075)
    hips = body.hip_x + 0.050 * body.limb
    end = outfit.skirt_end
    fall = np.array([0.0, 0.15, 0.4, 0.7, 1.0])
    heights = np.concatenate([[waist + 0.004], body.hip_y - 0.005 - fall * (body.hip_y - 0.005 - end)])
    flare = 0.004 + 0.075 * outfit.flare * (body.hip_y - end) / 0.2
    torso = 0.078 * body.waist * body.girth + 0.016
    half_width = np.concatenate([[max(torso, hips * 0.94)], hips * 1.06 + flare * fall**1.3])
    half_depth = np.concatenate([[0.074], 0.076 * (0.5 + 0.5 * body.girth) + 0.75 * flare * fall**1.3])
    tube = make_tube(
        heights, half_width, half_depth, spacing=spacing * 0.85, bones=(BONE["pelvis"],) * 2, power=2.2,
        softness=0.08, skirt=True,
    )  # fmt: skip
    y = tube.point[..., 1]
    down = np.clip((waist - y) / (waist - end), 0, 1)
    pleats = np.cos(tube.theta * 18 + 0.4)[None, :] * (0.0035 + 0.003 * outfit.flare) * down
    tube.color = outfit.bottom_fabric(y, tube.around)
    tube.displace(pleats * (0.3 + outfit.flare))
    tube.paint((0.12 * (pleats < 0) * outfit.flare), [0, 0, 0])
    tube.paint((np.abs(y - end) < 0.005) * 0.4, outfit.bottom_fabric.base * 0.55)
    if outfit.bottom == "skirt" or outfit.belt is not None:
        band = outfit.belt if outfit.belt is not None else outfit.bottom_fabric.base * 0.7
        tube.paint((y > waist - 0.012) * 0.9, band)
    tube.part[:] = PART["skirt"]
    return tube


def _bag(body, outfit, spacing):
    chest = (BONE["chest"], BONE["chest"])
    y = np.array([-1.0, -0.97, -0.75, 0.0, 0.75, 0.97, 1.0])
    shape = np.array([0.05, 0.7, 0.95, 1.0, 0.95, 0.7, 0.05])
    if outfit.bag == "backpack":
        at, half, bones = [0, body.shoulder_y - 0.10, -0.088], (0.085, 0.068, 0.040), chest
    elif outfit.bag == "crossbody":
        at, half, bones = (
            [-(body.hip_x + 0.062), body.hip_y + 0.02, 0.012],
            (0.036, 0.026, 0.044),
            (BONE["pelvis"],) * 2,
        )
    else:
        return []
    tube = make_tube(
        y * half[0], shape * half[1], shape * half[2], spacing=spacing, bones=bones, power=3.2,
        frame=(np.eye(3), np.array(at)), softness=0.03,
    )  # fmt: skip
    local = tube.point - np.array(at)
    tube.color[:] = outfit.bag_color
    tube.paint((np.abs(local[..., 1] - 0.25 * half[0]) < 0.004) * 0.8, outfit.bag_color * 0.45)
    flap = (np.abs(local[..., 1] + 0.35 * half[0]) < 0.32 * half[0]) & (np.abs(local[..., 0]) < 0.6 * half[1])
    tube.paint(flap * (local[..., 2] < 0) * 0.3, outfit.bag_color * 0.4)
    tube.part[:] = PART["accessory"]
    tube.gloss[:] = 0.2
    return [tube]
