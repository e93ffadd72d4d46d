"""Assembles one identity: body, head and garments as one cloud of surfels."""

from __future__ import annotations

import dataclasses

import numpy as np

from .body import BONE, PART, Body, rotation_x
from .fabric import digit, motif
from .head import Complexion, head_tubes
from .surfels import SurfelCloud, make_tube
from .wardrobe import Outfit


@dataclasses.dataclass(frozen=True)
class Figure:
    """One person, ready to be posed: proportions, clothes and surfels."""

    body: Body
    complexion: Complexion
    outfit: Outfit
    cloud: SurfelCloud


def make_figure(rng, spacing):
    """Draws a person from `rng`, with surfels at most `spacing` (body heights) apart."""
    body = Body.random(rng)
    complexion = Complexion(rng)
    outfit = Outfit(rng, body)
    tubes = [_torso(body, complexion, outfit, spacing)]
    for side, name in ((1, "left"), (-1, "right")):
        tubes.append(_arm(body, complexion, outfit, spacing, side, name))
        tubes.append(_leg(body, complexion, outfit, spacing, side, name))
        tubes += _foot(body, complexion, outfit, spacing, side, name)
    tubes += head_tubes(body, complexion, spacing)
    if outfit.skirted:
        skirt = _skirt(body, outfit, spacing)
        tubes += [skirt, skirt.inside()]
    tubes += _bag(body, outfit, spacing)
    return Figure(body, complexion, outfit, SurfelCloud(tubes))


def _torso(body, complexion, outfit, spacing):
    hip, waist, top = body.hip_y, body.waist_y, body.shoulder_y
    wide, deep = body.girth, 0.5 + 0.5 * body.girth
    chest = body.shoulder_x - 0.014
    hips = body.hip_x + 0.040 * body.limb
    loose = outfit.thickness
    rows = np.array(
        [
            [hip - 0.055, 0.012, 0.012, 0.0],
            [hip - 0.045, hips * 0.72, 0.050 * deep, 0.0],
            [hip - 0.015, hips * 0.98, 0.064 * deep, -0.003],
            [hip + 0.025, hips * 1.02, 0.066 * deep, -0.003],
            [waist, 0.078 * body.waist * wide + loose * 0.7, 0.054 * deep * body.waist + loose * 0.6, 0.002],
            [waist + 0.075, 0.088 * wide**0.7 + loose, 0.063 * deep + loose, 0.003],
            [top - 0.062, chest * 1.02 + loose, 0.066 * deep + loose, 0.002],
            [top - 0.028, chest * 1.02 + loose, 0.058 * deep + loose, -0.002],
            [top + 0.002, chest * 0.92 + loose * 0.6, 0.046 + loose * 0.5, -0.006],
            [top + 0.018, chest * 0.66, 0.038, -0.008],
            [top + 0.029, 0.043, 0.034, -0.008],
            [top + 0.040, 0.031 * body.limb**0.5, 0.033, -0.006],
            [top + 0.062, 0.029 * body.limb**0.5, 0.031, -0.001],
            [body.chin_y + 0.03, 0.027, 0.029, 0.0],
        ]
    )
    tube = make_tube(
        rows[:, 0], rows[:, 1], rows[:, 2], spacing=spacing, bones=(BONE["chest"], BONE["pelvis"]), centre_z=rows[:, 3],
        weight=lambda y: (y - waist) / 0.10 + 0.5, power=2.35, softness=0.06,
    )  # fmt: skip
    x, y, z = np.moveaxis(tube.point, -1, 0)
    front = np.cos(tube.theta)[None, :] > 0
    bust = np.exp(-(((np.abs(x) - 0.042) / 0.030) ** 2) - ((y - (top - 0.098)) / 0.036) ** 2) * np.maximum(
        np.cos(tube.theta), 0
    )
    tube.displace(
        body.bust * bust + 0.004 * np.exp(-(((y - hip) / 0.04) ** 2)) * (np.cos(tube.theta) < -0.2)[None, :]
    )
    _dress_torso(tube, body, complexion, outfit, x, y, front)
    return tube


def _dress_torso(tube, body, complexion, outfit, x, y, front):
    top, hem = body.shoulder_y, body.hip_y + outfit.hem
    theta = tube.theta[None, :] * np.ones_like(y)
    cloth = outfit.top_fabric(y, tube.around)
    if outfit.two_tone:
        cloth = np.where((y > top - 0.105)[..., None], outfit.trim, cloth)
    tube.colour = cloth
    tube.part[:] = PART["torso"]
    tube.gloss[:] = 0.04
    if outfit.top == "jacket":
        opening = (
            0.42
            + 0.25 * np.clip((y - top + 0.12) / 0.1, 0, 1)
            - 0.15 * np.clip((body.waist_y - y) / 0.1, -1, 1)
        )
        inside = np.abs(theta) < opening
        tube.paint(inside, outfit.inner(y, tube.around))
        tube.paint(np.abs(np.abs(theta) - opening) < 0.05, outfit.top_fabric.base * 0.6)
        tube.displace(np.where(inside, -0.010, 0.0))
    if outfit.top in ("shirt", "polo"):
        end = hem if outfit.top == "shirt" else top - 0.07
        tube.paint((np.abs(x) < 0.0045) * front * (y > end) * 0.5, outfit.top_fabric.base * 0.7)
        buttons = np.hypot(np.abs(x), np.mod(y, 0.034) - 0.017) < 0.0034
        tube.paint(buttons * front * (y > end), outfit.trim)
        pocket = np.maximum(np.abs(x - 0.045) / 0.019, np.abs(y - (top - 0.085)) / 0.021)
        tube.paint((np.abs(pocket - 1) < 0.09) * front * 0.55, outfit.top_fabric.base * 0.6)
    if outfit.top == "hoodie":
        pouch = (
            (np.abs(x) < 0.060 - 0.5 * np.maximum(y - hem - 0.05, 0)) & (y > hem + 0.012) & (y < hem + 0.085)
        )
        tube.paint(pouch * front * 0.25, [0, 0, 0])
        tube.paint((np.abs(np.abs(x) - 0.014) < 0.0025) * front * (y > top - 0.075), outfit.trim)
    if outfit.print:
        size = outfit.print_size
        px, py = x / size, (y - (top - 0.095)) / size
        tube.paint(motif(outfit.print, px, py) * front, outfit.print_colours[0])
        if outfit.print in ("ring", "sun", "disc"):
            tube.paint(motif("heart", px * 2.2, py * 2.2) * front, outfit.print_colours[1])
    if outfit.back_print is not None:
        shape = (
            digit(outfit.back_print, -x / 0.045, (y - (top - 0.10)) / 0.045)
            if outfit.back_print < 10
            else np.abs(y - (top - 0.08)) < 0.02
        )
        tube.paint(shape * ~front, outfit.print_colours[0])
    ribbed = outfit.top in ("sweater", "hoodie") and not outfit.skirted
    tube.paint(
        (np.abs(y - hem) < (0.014 if ribbed else 0.003)) * (0.3 if ribbed else 0.5),
        outfit.top_fabric.base * 0.5,
    )
    _folds(tube, outfit, 0.0022 + 0.15 * outfit.thickness)
    below = y < hem
    if outfit.bottom in ("trousers", "shorts"):
        tube.paint(below, outfit.bottom_fabric(y, tube.around))
        tube.part[below] = np.where(x > 0, PART["left_upper_leg"], PART["right_upper_leg"])[below]
        tube.paint(below * (np.abs(x) < 0.0025) * front * 0.4, [0, 0, 0])
        tube.paint(
            (np.abs(y - hem + 0.008) < 0.008) * (outfit.tucked and outfit.belt is not None),
            outfit.belt if outfit.belt is not None else 0,
        )
    else:
        tube.paint(below, outfit.bottom_fabric(y, tube.around))
        tube.part[below] = PART["skirt"]
    depth = {"round": 0.012, "vee": 0.058, "wide": 0.030}[outfit.neck] + (0.03 if outfit.top == "tank" else 0)
    shape = np.clip(np.cos(theta), 0, 1) ** (6 if outfit.neck == "vee" else 2)
    line = (
        top
        + 0.024
        - depth * shape
        - (0.012 if outfit.top == "tank" else 0)
        - 0.35 * np.maximum(np.abs(x) - 0.09, 0)
    )
    if outfit.top in ("shirt", "polo", "jacket"):
        line = top + 0.034 - 0.055 * np.clip(np.cos(theta), 0, 1) ** 8
    if outfit.top == "hoodie":
        line = top + 0.052 - 0.035 * np.clip(np.cos(theta), 0, 1)
    bare = y > line
    tube.paint(
        (np.abs(y - line) < 0.0055) * 0.8,
        outfit.trim if outfit.top in ("tee", "polo") else outfit.top_fabric.base * 0.75,
    )
    tube.paint(bare, complexion.skin)
    tube.part[bare & (y > top + 0.02)] = PART["face"]
    tube.paint(
        0.45 * bare * np.exp(-(((y - body.chin_y + 0.002) / 0.018) ** 2)) * front, complexion.skin * 0.55
    )
    if outfit.bag == "crossbody":
        strap = np.abs((x + 0.01) * 0.75 - (y - (top - 0.09)) * 0.62) < 0.006
        tube.paint(strap & (y > body.hip_y) & ~bare, outfit.bag_colour * 0.7)
    if outfit.bag == "backpack":
        straps = (np.abs(np.abs(x) - 0.060) < 0.010) & (y > top - 0.13) & ~bare
        tube.paint(straps, outfit.bag_colour * 0.75)


def _folds(tube, outfit, depth):
    a, b = tube.along[:, None], tube.around
    noise = outfit.folds
    tube.wrinkle(depth * (noise(a * 22 + b * 14, b * 20 - a * 8) + 0.5 * noise(a * 55 + 3, b * 40)))


def _arm(body, complexion, outfit, spacing, side, name):
    upper, lower = BONE[f"{name}_upper_arm"], BONE[f"{name}_lower_arm"]
    top, elbow, wrist = body.shoulder_y, body.elbow_y, body.wrist_y
    girth = body.limb
    hand = 0.086 * body.arm
    rows = np.array(
        [
            [top + 0.026, 0.004, 0.004], [top + 0.020, 0.020, 0.020], [top, 0.031, 0.032], [top - 0.035, 0.031, 0.033],
            [top - 0.08, 0.0265, 0.028], [elbow + 0.02, 0.0225, 0.023], [elbow - 0.03, 0.0235, 0.023],
            [elbow - 0.06, 0.0215, 0.021], [wrist + 0.012, 0.0135, 0.0155], [wrist - 0.008, 0.0125, 0.0165],
            [wrist - 0.035, 0.0115, 0.0225], [wrist - 0.055, 0.0100, 0.0220], [wrist - hand * 0.9, 0.007, 0.0165],
            [wrist - hand, 0.001, 0.003],
        ]
    )  # fmt: skip
    end = top + (wrist - top) * outfit.sleeve
    covered = outfit.sleeve > 0
    loose = outfit.thickness * np.clip((rows[:, 0] - end) / 0.01 + 1, 0, 1) * covered
    open_cuff = 0.006 * np.exp(-(((rows[:, 0] - end) / 0.05) ** 2)) * (outfit.top in ("tee", "polo"))
    tube = make_tube(
        rows[:, 0], rows[:, 1] * girth + loose + open_cuff, rows[:, 2] * girth + loose + open_cuff, spacing=spacing,
        bones=(upper, lower), weight=lambda y: (y - elbow) / 0.05 + 0.5, centre_x=side * body.shoulder_x,
        centre_z=np.where(rows[:, 0] < wrist, 0.004, -0.006), softness=0.05,
    )  # fmt: skip
    y = tube.point[..., 1]
    theta = tube.theta[None, :]
    fabric = outfit.top_fabric
    tube.colour = fabric(y, tube.around + 0.3)
    if outfit.two_tone:
        tube.paint(np.ones_like(y), outfit.trim)
    _folds(tube, outfit, 0.0018 + 0.12 * outfit.thickness)
    if outfit.top in ("sweater", "hoodie", "jacket", "polo"):
        tube.paint((np.abs(y - end - 0.008) < 0.010) * 0.35, fabric.base * 0.5)
    tube.paint((np.abs(y - end) < 0.003) * 0.5, fabric.base * 0.5)
    skin = (
        complexion.skin * (1 - 0.10 * np.exp(-(((y - elbow) / 0.012) ** 2)) * (np.cos(theta) < 0))[..., None]
    )
    gaps = np.abs(np.mod((tube.point[..., 2] - 0.004) / 0.0095, 1.0) - 0.5) < 0.12
    skin = skin * (1 - 0.22 * gaps * (y < wrist - hand * 0.55))[..., None]
    bare = y < end if covered else np.ones_like(y, bool)
    tube.paint(bare, skin)
    nail = y < wrist - hand * 0.97
    tube.paint(nail * 0.3, complexion.skin * [0.9, 0.7, 0.7])
    tube.part[:] = np.where(y > elbow, PART[f"{name}_upper_arm"], PART[f"{name}_lower_arm"])
    tube.gloss[:] = np.where(bare, 0.12, 0.04)
    return tube


def _leg(body, complexion, outfit, spacing, side, name):
    thigh, shin = BONE[f"{name}_thigh"], BONE[f"{name}_shin"]
    hip, knee, ankle = body.hip_y, body.knee_y, body.ankle_y
    girth = body.limb
    rows = np.array(
        [
            [hip + 0.045, 0.006, 0.006], [hip + 0.035, 0.030, 0.036], [hip + 0.01, 0.046, 0.054], [hip - 0.04, 0.0495, 0.056],
            [hip - 0.11, 0.044, 0.050], [knee + 0.045, 0.034, 0.037], [knee, 0.0305, 0.034], [knee - 0.04, 0.0305, 0.033],
            [knee - 0.075, 0.0315, 0.035], [knee - 0.13, 0.0265, 0.029], [ankle + 0.035, 0.0185, 0.021], [ankle + 0.01, 0.0185, 0.022],
            [ankle - 0.02, 0.0165, 0.020], [ankle - 0.028, 0.001, 0.001],
        ]
    )  # fmt: skip
    half_width, half_depth = rows[:, 1] * girth, rows[:, 2] * girth
    end = hip + (ankle - 0.012 - hip) * outfit.leg
    trousered = not outfit.skirted
    if trousered:
        reach = np.clip((rows[:, 0] - end) / 0.012 + 1, 0, 1)
        width = outfit.leg_width if outfit.bottom == "trousers" else 0.5
        straight = 0.028 + 0.016 * width
        wide = np.maximum(half_width, np.where(rows[:, 0] < hip - 0.05, straight * girth, 0)) + 0.003
        deep = np.maximum(half_depth, np.where(rows[:, 0] < hip - 0.05, straight * 1.08 * girth, 0)) + 0.003
        if outfit.bottom == "shorts":
            wide = wide + 0.010 * np.clip((hip - rows[:, 0]) / 0.15, 0, 1)
            deep = deep + 0.010 * np.clip((hip - rows[:, 0]) / 0.15, 0, 1)
        inner = rows[:, 0] > ankle - 0.015
        half_width = np.where(inner, half_width + (wide - half_width) * reach, half_width)
        half_depth = np.where(inner, half_depth + (deep - half_depth) * reach, half_depth)
    tube = make_tube(
        rows[:, 0], half_width, half_depth, spacing=spacing, bones=(thigh, shin), weight=lambda y: (y - knee) / 0.07 + 0.5,
        centre_x=side * body.hip_x, centre_z=np.interp(rows[:, 0], [ankle, knee - 0.08, knee, hip], [-0.012, -0.008, 0.0, 0.0]),
        softness=0.05,
    )  # fmt: skip
    y = tube.point[..., 1]
    theta = tube.theta[None, :]
    legs = complexion.skin if outfit.bare_legs or not outfit.skirted else outfit.tights
    cap = np.exp(-(((y - knee) / 0.022) ** 2) - (theta / 0.8) ** 2)
    skin = (
        legs
        * (1 - 0.12 * cap - 0.08 * np.exp(-(((y - knee) / 0.012) ** 2)) * (np.cos(theta) < -0.3))[..., None]
    )
    tube.colour = np.asarray(skin, np.float32)
    if trousered:
        cloth = outfit.bottom_fabric(y, tube.around + 0.15)
        tube.paint(y > end, cloth)
        _folds(tube, outfit, 0.0024)
        seam = (np.abs(np.abs(theta) - np.pi / 2) < 0.05) & (y > end)
        tube.paint(seam * 0.35, outfit.bottom_fabric.base * 0.55)
        tube.paint((np.abs(y - end - 0.003) < 0.0035) * 0.45, outfit.bottom_fabric.base * 0.5)
    tube.part[:] = np.where(y > knee, PART[f"{name}_upper_leg"], PART[f"{name}_lower_leg"])
    if outfit.shoe == "boot":
        high = ankle + 0.075
        tube.paint((y < high) * (outfit.leg < 0.9 or outfit.skirted), outfit.shoe_colour)
    elif outfit.shoe == "sneaker":
        tube.paint((y < ankle + 0.022) * (outfit.leg < 0.9 or outfit.skirted), [0.92, 0.92, 0.92])
    return tube


def _foot(body, complexion, outfit, spacing, side, name):
    bone = BONE[f"{name}_foot"]
    ankle = body.ankle_y
    boot = outfit.shoe == "boot"
    rise = 0.030 if boot else 0.024
    # Along the foot (knots run from heel to toe); half depth is half the height here.
    rows = np.array(
        [
            [-0.036, 0.004, 0.006, 0.0], [-0.033, 0.016, rise * 0.75, 0.0], [-0.018, 0.0215, rise * 1.05, 0.0],
            [0.005, 0.0215, rise * 1.05, 0.0], [0.032, 0.022, rise * 0.78, -0.006], [0.062, 0.0255, rise * 0.60, -0.010],
            [0.088, 0.0235, rise * 0.50, -0.012], [0.102, 0.0165, rise * 0.40, -0.0135], [0.108, 0.003, 0.004, -0.015],
        ]
    )  # fmt: skip
    turn = rotation_x(np.pi / 2)  # the tube's y axis becomes z, its z (front) axis becomes -y
    tube = make_tube(
        rows[:, 0], rows[:, 1] * (0.5 + 0.5 * body.limb), rows[:, 2], spacing=spacing, bones=(bone, bone), centre_z=-rows[:, 3],
        power=2.6, frame=(turn, np.array([side * body.hip_x, ankle - 0.018, -0.004])), softness=0.04,
    )  # fmt: skip
    height, along = tube.point[..., 1], tube.point[..., 2]
    floor = 0.0035
    tube.point[..., 1] = np.maximum(height, floor)
    tube.normal[height < floor] = [0, -1, 0]
    tube.colour[:] = outfit.shoe_colour
    if outfit.shoe == "flat":
        tube.paint((height > ankle - 0.014) & (along < 0.05) & (along > -0.02), complexion.skin)
    if outfit.shoe == "sneaker":
        laces = (
            (height > ankle - 0.022)
            & (along > 0.015)
            & (along < 0.06)
            & (np.abs(tube.point[..., 0] - side * body.hip_x) < 0.010)
        )
        tube.paint(laces * (np.mod(along, 0.011) < 0.005), outfit.sole)
        tube.paint((along > 0.078) * 0.5, outfit.sole)
    tube.paint(height < 0.014, outfit.sole)
    tube.part[:] = PART[f"{name}_foot"]
    tube.gloss[:] = 0.5 if boot or outfit.shoe == "flat" else 0.15
    return [tube]


def _skirt(body, outfit, spacing):
    waist = body.hip_y + (outfit.hem if outfit.bottom == "skirt" else 0.075)
    hips = body.hip_x + 0.046 * body.limb
    end = outfit.skirt_end
    fall = np.array([0.0, 0.15, 0.4, 0.7, 1.0])
    heights = np.concatenate([[waist + 0.004], body.hip_y - 0.005 - fall * (body.hip_y - 0.005 - end)])
    flare = 0.004 + 0.075 * outfit.flare * (body.hip_y - end) / 0.2
    torso = 0.078 * body.waist * body.girth + 0.010
    half_width = np.concatenate([[max(torso, hips * 0.94)], hips * 1.06 + flare * fall**1.3])
    half_depth = np.concatenate([[0.066], 0.074 * (0.5 + 0.5 * body.girth) + 0.75 * flare * fall**1.3])
    tube = make_tube(
        heights, half_width, half_depth, spacing=spacing * 0.85, bones=(BONE["pelvis"], BONE["pelvis"]), power=2.2,
        softness=0.08, skirt=True,
    )  # fmt: skip
    y = tube.point[..., 1]
    down = np.clip((waist - y) / (waist - end), 0, 1)
    pleats = np.cos(tube.theta * 18 + 0.4)[None, :] * (0.0035 + 0.003 * outfit.flare) * down
    tube.colour = outfit.bottom_fabric(y, tube.around)
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
    tube.colour[:] = outfit.bag_colour
    tube.paint((np.abs(local[..., 1] - 0.25 * half[0]) < 0.004) * 0.8, outfit.bag_colour * 0.45)
    flap = (np.abs(local[..., 1] + 0.35 * half[0]) < 0.32 * half[0]) & (np.abs(local[..., 0]) < 0.6 * half[1])
    tube.paint(flap * (local[..., 2] < 0) * 0.3, outfit.bag_colour * 0.4)
    tube.part[:] = PART["accessory"]
    tube.gloss[:] = 0.2
    return [tube]
