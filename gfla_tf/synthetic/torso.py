"""The trunk of a synthetic person from hips to neck, with the top."""

from __future__ import annotations

import numpy as np

from .body import BONE, PART, Body
from .fabric import digit, motif
from .head import Complexion
from .limbs import folds
from .tube import Tube, make_tube
from .wardrobe import Outfit


def torso_tube(body: Body, complexion: Complexion, outfit: Outfit, spacing: float) -> Tube:
    """Returns the tube of the clothed trunk."""
    hip, waist, top = body.hip_y, body.waist_y, body.shoulder_y
    wide, deep = body.girth, 0.5 + 0.5 * body.girth
    chest = body.shoulder_x - 0.014
    loose = outfit.thickness
    hips = body.hip_x + 0.044 * body.limb
    over = 0.0 if outfit.tucked else loose + 0.003
    rows = np.array(
        [
            [hip - 0.055, 0.012, 0.012, 0.0],
            [hip - 0.045, hips * 0.72, 0.050 * deep, 0.0],
            [hip - 0.015, hips * 0.98 + over, 0.064 * deep + over, -0.003],
            [hip + 0.025, hips * 1.02 + over, 0.066 * deep + over, -0.003],
            [waist, 0.078 * body.waist * wide + loose * 0.7, 0.054 * deep * body.waist + loose * 0.6, 0.002],
            [waist + 0.075, 0.088 * wide**0.7 + loose, 0.063 * deep + loose, 0.003],
            [top - 0.070, chest * 1.02 + loose, 0.066 * deep + loose, 0.002],
            [top - 0.034, chest * 1.08 + loose, 0.060 * deep + loose, -0.002],
            [top - 0.004, chest * 1.12 + loose * 0.6, 0.044 + loose * 0.5, -0.006],
            [top + 0.013, chest * 0.86, 0.036, -0.008],
            [top + 0.026, 0.048, 0.034, -0.008],
            [top + 0.040, 0.031 * body.limb**0.5, 0.033, -0.006],
            [top + 0.062, 0.029 * body.limb**0.5, 0.031, -0.001],
            [body.chin_y + 0.03, 0.027, 0.029, 0.0],
        ]
    )
    tube = make_tube(
        rows[:, 0], rows[:, 1], rows[:, 2], spacing=spacing, bones=(BONE["chest"], BONE["pelvis"]),
        center_z=rows[:, 3], weight=lambda y: (y - waist) / 0.10 + 0.5, power=2.35, softness=0.06,
    )  # fmt: skip
    x, y, _ = np.moveaxis(tube.point, -1, 0)
    facing = np.cos(tube.theta)[None, :]
    bust = np.exp(-(((np.abs(x) - 0.042) / 0.030) ** 2) - ((y - (top - 0.098)) / 0.036) ** 2)
    seat = np.exp(-(((y - hip) / 0.04) ** 2)) * np.clip(-facing, 0, 1)
    tube.displace(body.bust * bust * np.maximum(facing, 0) + 0.006 * seat)
    tube.part[:] = PART["torso"]
    tube.gloss[:] = 0.04
    _top(tube, body, outfit, x, y, facing)
    _below_hem(tube, body, outfit, x, y, facing > 0)
    _neckline(tube, body, complexion, outfit, x, y, facing)
    return tube


def _top(tube, body, outfit, x, y, facing):
    top, hem, front = body.shoulder_y, body.hip_y + outfit.hem, facing > 0
    base = outfit.top_fabric.base
    tube.color = outfit.top_fabric(y, tube.around)
    if outfit.two_tone:
        tube.paint(y > top - 0.105, outfit.trim)
    if outfit.top == "jacket":
        _open_front(tube, body, outfit, y)
    if outfit.top in ("shirt", "polo"):
        end = hem if outfit.top == "shirt" else top - 0.07
        tube.paint((np.abs(x) < 0.0045) * front * (y > end) * 0.5, base * 0.7)
        buttons = np.hypot(np.abs(x), np.mod(y, 0.034) - 0.017) < 0.0034
        tube.paint(buttons * front * (y > end), outfit.trim)
        pocket = np.maximum(np.abs(x - 0.045) / 0.019, np.abs(y - (top - 0.085)) / 0.021)
        tube.paint((np.abs(pocket - 1) < 0.09) * front * 0.55, base * 0.6)
    if outfit.top == "hoodie":
        pouch = (np.abs(x) < 0.060 - 0.5 * np.maximum(y - hem - 0.05, 0)) & (np.abs(y - hem - 0.048) < 0.036)
        tube.paint(pouch * front * 0.25, [0, 0, 0])
        tube.paint((np.abs(np.abs(x) - 0.014) < 0.0025) * front * (y > top - 0.075), outfit.trim)
    if outfit.print:
        px, py = x / outfit.print_size, (y - (top - 0.095)) / outfit.print_size
        tube.paint(motif(outfit.print, px, py) * front, outfit.print_colors[0])
        if outfit.print in ("ring", "sun", "disc"):
            tube.paint(motif("heart", px * 2.2, py * 2.2) * front, outfit.print_colors[1])
    if outfit.back_print is not None:
        number = digit(outfit.back_print, -x / 0.045, (y - (top - 0.10)) / 0.045)
        tube.paint(number * ~front, outfit.print_colors[0])
    ribbed = outfit.top in ("sweater", "hoodie") and not outfit.skirted
    edge, shade = (0.014, 0.3) if ribbed else (0.003, 0.5)
    tube.paint((np.abs(y - hem) < edge) * shade, base * 0.5)
    folds(tube, outfit, 0.0022 + 0.15 * outfit.thickness)


def _open_front(tube, body, outfit, y):
    """Paints the gap of an open jacket, wider toward hem and collar, with the garment under it."""
    collar = np.clip((y - body.shoulder_y + 0.12) / 0.1, 0, 1)
    opening = 0.42 + 0.25 * collar - 0.15 * np.clip((body.waist_y - y) / 0.1, -1, 1)
    inside = opening - np.abs(tube.theta)[None, :]
    tube.paint(inside > 0, outfit.inner(y, tube.around))
    tube.paint(np.abs(inside) < 0.05, outfit.top_fabric.base * 0.6)
    tube.displace(-0.008 * np.clip(inside / 0.12 + 0.5, 0, 1))


def _below_hem(tube, body, outfit, x, y, front):
    below = y < body.hip_y + outfit.hem
    tube.paint(below, outfit.bottom_fabric(y, tube.around))
    if outfit.skirted:
        tube.part[below] = PART["skirt"]
        return
    tube.part[below] = np.where(x > 0, PART["left_upper_leg"], PART["right_upper_leg"])[below]
    tube.paint(below * (np.abs(x) < 0.0025) * front * 0.4, [0, 0, 0])
    if outfit.tucked and outfit.belt is not None:
        tube.paint(np.abs(y - body.hip_y - outfit.hem + 0.008) < 0.008, outfit.belt)


def _neckline(tube, body, complexion, outfit, x, y, facing):
    top, front = body.shoulder_y, np.clip(facing, 0, 1)
    base = outfit.top_fabric.base
    if outfit.top in ("shirt", "polo", "jacket"):
        line = top + 0.034 - 0.055 * front**8
    elif outfit.top == "hoodie":
        line = top + 0.052 - 0.035 * front
    else:
        depth = {"round": 0.012, "vee": 0.058, "wide": 0.030}[outfit.neck]
        depth, low = (depth + 0.03, 0.012) if outfit.top == "tank" else (depth, 0.0)
        line = top + 0.024 - low - depth * front ** (6 if outfit.neck == "vee" else 2)
    bare = y > line
    tube.paint(
        (np.abs(y - line) < 0.0055) * 0.8, outfit.trim if outfit.top in ("tee", "polo") else base * 0.75
    )
    tube.paint(bare, complexion.skin)
    tube.part[bare & (y > top + 0.02)] = PART["face"]
    chin_shade = np.exp(-(((y - body.chin_y + 0.002) / 0.018) ** 2))
    tube.paint(0.45 * bare * chin_shade * (facing > 0), complexion.skin * 0.55)
    if outfit.bag == "crossbody":
        strap = np.abs((x + 0.01) * 0.75 - (y - (top - 0.09)) * 0.62) < 0.006
        tube.paint(strap & (y > body.hip_y) & ~bare, outfit.bag_color * 0.7)
    if outfit.bag == "backpack":
        straps = (np.abs(np.abs(x) - 0.060) < 0.010) & (y > top - 0.13) & ~bare
        tube.paint(straps, outfit.bag_color * 0.75)
