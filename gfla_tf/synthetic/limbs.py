"""Arms, legs and feet of a synthetic person, with sleeves, trouser legs and shoes."""

from __future__ import annotations

import numpy as np

from .body import BONE, PART, Body, rotation_x
from .head import Complexion
from .tube import Tube, make_tube
from .wardrobe import Outfit

SIDES = ((1, "left"), (-1, "right"))


def folds(tube: Tube, outfit: Outfit, depth: float | np.ndarray) -> None:
    """Adds creases of `depth` body heights to the cloth of a tube."""
    a, (x, _, z) = tube.along[:, None], np.moveaxis(tube.point - tube.center[:, None], -1, 0)
    noise = outfit.folds
    large = noise(a * 22 + x * 16 + z * 9, x * 21 - z * 17 - a * 8)
    tube.wrinkle(depth * (large + 0.5 * noise(a * 50 + x * 30, z * 42 - x * 21)))


def limb_tubes(body: Body, complexion: Complexion, outfit: Outfit, spacing: float) -> list[Tube]:
    """Returns the tubes of both arms, legs and feet."""
    tubes = []
    for side, name in SIDES:
        tubes.append(_arm(body, complexion, outfit, spacing, side, name))
        tubes.append(_thumb(body, complexion, spacing, side, name))
        tubes.append(_leg(body, complexion, outfit, spacing, side, name))
        tubes.append(_foot(body, complexion, outfit, spacing, side, name))
    return tubes


def _arm(body, complexion, outfit, spacing, side, name):
    top, elbow, wrist = body.shoulder_y, body.elbow_y, body.wrist_y
    tip = wrist - 0.086 * body.arm
    rows = np.array(
        [
            [top + 0.016, 0.003, 0.003], [top + 0.011, 0.017, 0.018], [top - 0.006, 0.0285, 0.030],
            [top - 0.035, 0.0305, 0.033], [top - 0.08, 0.0265, 0.028], [elbow + 0.02, 0.0225, 0.023],
            [elbow - 0.03, 0.0235, 0.023], [elbow - 0.06, 0.0215, 0.021], [wrist + 0.012, 0.0135, 0.0155],
            [wrist - 0.008, 0.0125, 0.0165], [wrist - 0.035, 0.0115, 0.0225], [wrist - 0.055, 0.0100, 0.0215],
            [tip + 0.009, 0.007, 0.0165], [tip, 0.001, 0.003],
        ]
    )  # fmt: skip
    tube = make_tube(
        rows[:, 0], rows[:, 1] * body.limb, rows[:, 2] * body.limb, spacing=spacing,
        bones=(BONE[f"{name}_upper_arm"], BONE[f"{name}_lower_arm"]),
        weight=lambda y: (y - elbow) / 0.05 + 0.5,
        center_x=side * body.shoulder_x, center_z=np.where(rows[:, 0] < wrist, 0.004, -0.006),
    )  # fmt: skip
    y, z = tube.point[..., 1], tube.point[..., 2]
    end = top + (wrist - top) * outfit.sleeve if outfit.sleeve > 0 else top + 1.0
    clothed = y > end
    shade = 1 - 0.10 * np.exp(-(((y - elbow) / 0.012) ** 2)) * (np.cos(tube.theta) < 0)
    fingers = (np.abs(np.mod((z - 0.004) / 0.0098, 1.0) - 0.5) < 0.10) & (y < wrist - 0.05)
    tube.color = (complexion.skin * (shade * (1 - 0.22 * fingers))[..., None]).astype(np.float32)
    if outfit.sleeve > 0:
        _sleeve(tube, outfit, y, end, clothed, top)
    tube.part[:] = np.where(y > elbow, PART[f"{name}_upper_arm"], PART[f"{name}_lower_arm"])
    tube.gloss[:] = np.where(clothed, 0.04, 0.12)
    return tube


def _sleeve(tube, outfit, y, end, clothed, top):
    fabric = outfit.top_fabric
    tube.paint(clothed, outfit.trim if outfit.two_tone else fabric(y, tube.around + 0.3))
    if outfit.top in ("sweater", "hoodie", "jacket", "polo"):
        tube.paint((np.abs(y - end - 0.009) < 0.009) * 0.35, fabric.base * 0.5)
    tube.paint((np.abs(y - end - 0.002) < 0.0025) * 0.5, fabric.base * 0.5)
    wide = 0.007 * (outfit.sleeve < 0.5)
    tube.displace(clothed * (outfit.thickness + wide * np.clip((top - y) / (top - end), 0, 1)))
    folds(tube, outfit, 0.0018 + 0.12 * outfit.thickness)


def _thumb(body, complexion, spacing, side, name):
    shape = np.array([0.02, 0.7, 1.0, 0.95, 0.8, 0.02])
    tube = make_tube(
        np.array([0.0, -0.003, -0.012, -0.026, -0.036, -0.041]), shape * 0.0068, shape * 0.0075,
        spacing=spacing,
        bones=(BONE[f"{name}_lower_arm"],) * 2,
        frame=(rotation_x(-0.42), np.array([side * (body.shoulder_x - 0.004), body.wrist_y - 0.012, 0.013])),
    )  # fmt: skip
    tube.color[:] = complexion.skin
    tube.part[:] = PART[f"{name}_lower_arm"]
    tube.gloss[:] = 0.12
    return tube


def _leg(body, complexion, outfit, spacing, side, name):
    hip, knee, ankle = body.hip_y, body.knee_y, body.ankle_y
    rows = np.array(
        [
            [hip + 0.045, 0.006, 0.006], [hip + 0.035, 0.030, 0.036], [hip + 0.01, 0.041, 0.050],
            [hip - 0.04, 0.0480, 0.056], [hip - 0.11, 0.044, 0.050], [knee + 0.045, 0.034, 0.037],
            [knee, 0.0305, 0.034], [knee - 0.04, 0.0305, 0.033], [knee - 0.075, 0.0315, 0.035],
            [knee - 0.13, 0.0265, 0.029], [ankle + 0.035, 0.0185, 0.021], [ankle + 0.01, 0.0185, 0.022],
            [ankle - 0.02, 0.0165, 0.020], [ankle - 0.028, 0.001, 0.001],
        ]
    )  # fmt: skip
    axis = np.interp(rows[:, 0], [ankle, knee - 0.08, knee, hip], [-0.012, -0.008, 0.0, 0.0])
    tube = make_tube(
        rows[:, 0], rows[:, 1] * body.limb, rows[:, 2] * body.limb, spacing=spacing,
        bones=(BONE[f"{name}_thigh"], BONE[f"{name}_shin"]), weight=lambda y: (y - knee) / 0.07 + 0.5,
        center_x=side * body.hip_x, center_z=axis,
    )  # fmt: skip
    y, theta = tube.point[..., 1], tube.theta[None, :]
    cap = np.exp(-(((y - knee) / 0.022) ** 2) - (theta / 0.8) ** 2)
    hollow = np.exp(-(((y - knee) / 0.012) ** 2)) * (np.cos(theta) < -0.3)
    bare = outfit.tights if outfit.skirted and not outfit.bare_legs else complexion.skin
    tube.color = (bare * (1 - 0.12 * cap - 0.08 * hollow)[..., None]).astype(np.float32)
    low_trousers = not outfit.skirted and outfit.leg > 0.9
    if outfit.shoe == "boot" and not low_trousers:
        tube.paint(y < ankle + 0.075, outfit.shoe_color)
    elif outfit.shoe == "sneaker" and not low_trousers:
        tube.paint(y < ankle + 0.022, [0.92, 0.92, 0.92])
    if outfit.skirted:
        tube.keep = y < outfit.skirt_end + 0.03  # the skirt hides the rest
    else:
        _trouser_leg(tube, body, outfit, y, theta)
    tube.part[:] = np.where(y > knee, PART[f"{name}_upper_leg"], PART[f"{name}_lower_leg"])
    return tube


def _trouser_leg(tube, body, outfit, y, theta):
    hip, ankle = body.hip_y, body.ankle_y
    end = hip + (ankle - 0.012 - hip) * outfit.leg
    clothed = y > end
    fabric = outfit.bottom_fabric
    tube.paint(clothed, fabric(y, tube.around + 0.15))
    tube.paint(((np.abs(np.abs(theta) - np.pi / 2) < 0.05) & clothed) * 0.35, fabric.base * 0.55)
    tube.paint((np.abs(y - end - 0.003) < 0.0035) * 0.45, fabric.base * 0.5)
    below = np.clip((hip - 0.03 - y) / 0.10, 0, 1)
    if outfit.bottom == "shorts":
        room = 0.003 + 0.013 * below
    else:
        radius = np.linalg.norm(tube.point - tube.center[:, None], axis=-1)
        straight = (0.0285 + 0.017 * outfit.leg_width) * body.limb
        room = 0.003 + np.maximum(straight - radius, 0) * below
    tube.displace(clothed * room)
    folds(tube, outfit, 0.0024)


def _foot(body, complexion, outfit, spacing, side, name):
    boot = outfit.shoe == "boot"
    rise = 0.030 if boot else 0.024
    # From heel to toe: position along the foot, half width, half height, drop of the axis.
    rows = np.array(
        [
            [-0.036, 0.004, 0.25, 0.0], [-0.033, 0.016, 0.75, 0.0], [-0.018, 0.0215, 1.05, 0.0],
            [0.005, 0.0215, 1.05, 0.0], [0.032, 0.022, 0.78, 0.006], [0.062, 0.0255, 0.60, 0.010],
            [0.088, 0.0235, 0.50, 0.012], [0.102, 0.0165, 0.40, 0.0135], [0.108, 0.003, 0.16, 0.015],
        ]
    )  # fmt: skip
    origin = np.array([side * body.hip_x, body.ankle_y - 0.018, -0.004])
    tube = make_tube(
        rows[:, 0], rows[:, 1] * (0.5 + 0.5 * body.limb), rows[:, 2] * rise, spacing=spacing,
        bones=(BONE[f"{name}_foot"],) * 2, center_z=rows[:, 3], power=2.6, softness=0.04,
        frame=(rotation_x(np.pi / 2), origin),  # the tube's y becomes z, its front becomes the sole
    )  # fmt: skip
    floor = 0.0035
    under = tube.point[..., 1] < floor
    tube.point[under, 1] = floor
    tube.normal[under] = [0, -1, 0]
    x, height, along = np.moveaxis(tube.point, -1, 0)
    tube.color[:] = outfit.shoe_color
    if outfit.shoe == "flat":
        tube.paint((height > body.ankle_y - 0.014) & (np.abs(along - 0.015) < 0.035), complexion.skin)
    if outfit.shoe == "sneaker":
        tongue = (
            (height > body.ankle_y - 0.022)
            & (np.abs(along - 0.038) < 0.023)
            & (np.abs(x - origin[0]) < 0.010)
        )
        tube.paint(tongue * (np.mod(along, 0.011) < 0.005), outfit.sole)
        tube.paint((along > 0.078) * 0.5, outfit.sole)
    tube.paint(height < 0.014, outfit.sole)
    tube.part[:] = PART[f"{name}_foot"]
    tube.gloss[:] = 0.15 if outfit.shoe == "sneaker" else 0.5
    return tube
