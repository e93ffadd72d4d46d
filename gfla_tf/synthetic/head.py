"""The head of a synthetic person: skull, face, ears, hair and hats."""

from __future__ import annotations

import numpy as np

from .body import BONE, PART, Body, rotation_x, rotation_z
from .fabric import Noise, hex_color, random_color, vary
from .tube import Tube, make_tube

_SKIN = ("f2cfb4", "e8bb98", "d9a47c", "c48a62", "a86f4a", "87553a", "6a412c", "f5d9c6")
_HAIR = ("17130f", "2a1d15", "4a2f1d", "6e4526", "94622f", "c49a58", "e0c48c", "8c3f22", "8d8a88", "d6d2cc")
_IRIS = ("3a2618", "55371f", "2f5a7a", "4a6b46", "6d6a58")
_HEAD = (BONE["head"], BONE["head"])

# Profile of the skull from chin (0) to crown (1): height, relative half width and half depth, z of the axis.
_T = np.array([0.0, 0.025, 0.09, 0.22, 0.40, 0.56, 0.70, 0.83, 0.93, 0.985, 1.0])
_WIDTH = np.array([0.01, 0.30, 0.55, 0.78, 0.93, 1.0, 0.99, 0.88, 0.64, 0.28, 0.01])
_DEPTH = np.array([0.01, 0.28, 0.50, 0.70, 0.86, 0.98, 1.0, 0.90, 0.66, 0.30, 0.01])
_AXIS = np.array([0.030, 0.026, 0.018, 0.009, 0.003, -0.002, -0.003, -0.002, 0.0, 0.0, 0.0])


class Complexion:
    """Colors of skin, lips, hair and eyes, and the hair style of one person."""

    STYLES = ("short", "crop", "bob", "long", "bun", "tail", "bald")

    def __init__(self, rng: np.random.Generator):
        tone = rng.integers(len(_SKIN))
        self.skin = vary(rng, hex_color(_SKIN[tone]), 0.015)
        dark = self.skin.mean() < 0.5
        self.hair = vary(rng, hex_color(_HAIR[rng.integers(4 if dark else len(_HAIR))]), 0.012)
        self.iris = hex_color(_IRIS[rng.integers(2 if dark else len(_IRIS))])
        self.lips = np.clip(self.skin * np.array([0.88, 0.56, 0.55]) + rng.uniform(0, 0.07, 3), 0, 1)
        self.style = self.STYLES[rng.choice(7, p=[0.24, 0.12, 0.16, 0.22, 0.11, 0.10, 0.05])]
        self.beard = rng.random() < 0.22 and self.style in ("short", "crop", "bald")
        self.hat = rng.random() < 0.13
        self.hat_color = random_color(rng)
        self.fringe = rng.uniform(0.72, 0.86)
        self.parting = rng.uniform(-0.7, 0.7)
        self.noise = Noise(rng)
        self.half_width = rng.uniform(0.0465, 0.051)
        self.smile = rng.uniform(0.2, 1.3)
        self.locks = rng.uniform(0.02, 0.15)


def head_frame(body: Body, complexion: Complexion) -> tuple[float, float, float, float, float]:
    """(chin y, height, half width, half depth, axis z) of the skull."""
    return body.chin_y, body.head_height, complexion.half_width, complexion.half_width * 1.22, 0.006


def head_tubes(body: Body, complexion: Complexion, spacing: float) -> list[Tube]:
    """Returns the tubes of head, ears, hair and hat."""
    tubes = [_skull(body, complexion, spacing)]
    tubes += [_ear(body, complexion, spacing, side) for side in (1, -1)]
    if complexion.style != "bald" and not complexion.hat:
        tubes.append(_scalp(body, complexion, spacing))
    elif complexion.hat:
        tubes.append(_scalp(body, complexion, spacing, hat=True))
    if complexion.style in ("bob", "long"):
        curtain = _curtain(body, complexion, spacing)
        tubes += [curtain, curtain.inside()]
    if complexion.style in ("bun", "tail") and not complexion.hat:
        tubes.append(_knot(body, complexion, spacing))
    return tubes


def _skull_tube(body, complexion, spacing, grow=0.0, low=0.0):
    chin, height, wide, deep, shift = head_frame(body, complexion)
    t = np.concatenate([[low], _T[low < _T]])
    half_width = np.interp(t, _T, _WIDTH) * wide + grow * np.where(t >= 0.999, 0.02, 1.0)
    half_depth = np.interp(t, _T, _DEPTH) * deep + grow * np.where(t >= 0.999, 0.02, 1.0)
    heights = chin + t * height + np.where(t > 0.9, grow * (t - 0.9) * 10, 0.0)
    return make_tube(
        heights, half_width, half_depth, spacing=spacing, bones=_HEAD, power=2.15,
        center_z=np.interp(t, _T, _AXIS) + shift, softness=0.04,
    )  # fmt: skip


def _skull(body, complexion, spacing):
    tube = _skull_tube(body, complexion, spacing)
    chin, height, wide, _, _ = head_frame(body, complexion)
    t = (tube.point[..., 1] - chin) / height
    x = tube.point[..., 0] / wide
    front = np.cos(tube.theta)[None, :] > 0.1
    skin = complexion.skin

    def blob(cx, ct, sx, st):
        return np.exp(-(((x - cx) / sx) ** 2) - ((t - ct) / st) ** 2) * front

    nose = blob(0, 0.36, 0.15, 0.055) * 0.0085 + blob(0, 0.45, 0.11, 0.10) * 0.006
    sockets = blob(-0.38, 0.515, 0.24, 0.06) + blob(0.38, 0.515, 0.24, 0.06)
    tube.displace(
        nose - 0.0028 * sockets + 0.002 * blob(0, 0.17, 0.3, 0.05) + 0.003 * blob(0, 0.05, 0.3, 0.06)
    )
    tube.paint(np.ones_like(t), skin)
    tube.paint(
        0.35 * (blob(-0.55, 0.34, 0.22, 0.08) + blob(0.55, 0.34, 0.22, 0.08)), skin * [1.0, 0.72, 0.70]
    )
    tube.paint(0.30 * blob(0, 0.295, 0.16, 0.025), skin * 0.62)
    tube.paint(0.28 * sockets, skin * [0.72, 0.62, 0.60])
    if complexion.beard:
        jaw = np.clip((0.34 - t + 0.35 * np.maximum(np.abs(x) - 0.35, 0)) * 12, 0, 1) * front
        tube.paint(
            0.8 * jaw * (1 - 0.9 * blob(0, 0.20, 0.3, 0.035) > 0.5), complexion.hair * 0.9 + skin * 0.1
        )
    curve = 0.195 + 0.035 * complexion.smile * (x / 0.42) ** 2
    mouth = np.clip((0.36 - np.abs(x)) * 14, 0, 1) * front
    lips = mouth * np.clip((0.030 * (1.15 - np.abs(x) / 0.4) - np.abs(t - curve)) * 110, 0, 1)
    tube.paint(lips, complexion.lips)
    tube.paint(0.75 * mouth * (np.abs(t - curve) < 0.0065), complexion.lips * 0.45)
    for side in (-1, 1):
        ex, ey = (x - side * 0.385) / 0.20, (t - 0.515) / 0.046
        shape = ex**2 + ey**2 / np.maximum(1 - 0.35 * ex**2, 0.3)
        tube.paint((shape < 1.0) * front, [0.95, 0.94, 0.92])
        iris = np.hypot(x - side * 0.385, (t - 0.517) * height / wide) < 0.105
        tube.paint(iris * (shape < 1.0) * front, complexion.iris)
        tube.paint(
            (np.hypot(x - side * 0.385, (t - 0.517) * height / wide) < 0.05) * front, [0.05, 0.04, 0.04]
        )
        lash = (np.abs(shape - 1.05) < 0.26) & (ey > 0.05) & (np.abs(ex) < 1.15)
        tube.paint(0.85 * lash * front, [0.10, 0.07, 0.06])
        arch = 0.628 - 0.035 * (ex * side - 0.25) ** 2
        brow = np.clip((1.25 - np.abs(ex)) * 6, 0, 1) * (np.abs(t - arch) < 0.0145 - 0.004 * ex * side)
        tube.paint(0.8 * brow * front, complexion.hair * 0.75)
    tube.part[:] = PART["face"]
    tube.gloss[:] = 0.12
    if complexion.style == "crop":
        tube.paint(0.85 * _hair_mask(tube, t, complexion, 0.0), complexion.hair)
    return tube


def _ear(body, complexion, spacing, side):
    chin, height, wide, _, shift = head_frame(body, complexion)
    r = height * 0.12
    tube = make_tube(
        np.array([-1, -0.6, 0, 0.7, 1]) * r * 1.25, np.array([0.02, 0.6, 0.8, 0.9, 0.02]) * r * 0.42,
        np.array([0.02, 0.5, 0.85, 1.0, 0.02]) * r * 0.75, spacing=spacing, bones=_HEAD,
        frame=(
            rotation_z(-side * 0.18) @ rotation_x(-0.15),
            np.array([side * wide * 0.985, chin + 0.44 * height, shift - 0.004]),
        ),
    )  # fmt: skip
    tube.color[:] = complexion.skin * [0.98, 0.9, 0.88]
    tube.part[:] = PART["face"]
    return tube


def _hairline(theta, complexion):
    """Height on the skull (0 chin, 1 crown) of the hairline, by the angle from the front."""
    angle = np.abs(theta) * 180 / np.pi
    tied = complexion.style in ("short", "crop", "bun", "tail")
    side, nape = (0.46, 0.18) if tied else (0.30, 0.02)
    front = complexion.fringe + 0.05 * np.sin(3 * theta + 4 * complexion.parting) - 0.06 * (angle / 72) ** 2
    back = np.interp(angle, [72, 84, 100, 114, 150], [0.62, side, side + 0.02, nape + 0.1, nape])
    return np.where(angle < 72, front, back)


def _hair_mask(tube, t, complexion, jitter):
    line = (
        _hairline(tube.theta, complexion)[None, :] + jitter * complexion.noise(tube.theta * 9, 3.3)[None, :]
    )
    return t > line


def _strands(tube, complexion):
    streak = complexion.noise(tube.theta[None, :] * 13, tube.along[:, None] * 14)
    fine = complexion.noise(tube.theta[None, :] * 41, tube.along[:, None] * 22 + 7)
    tube.color = (complexion.hair * (1 + 0.22 * streak + 0.16 * fine)[..., None] + 0.02).astype(np.float32)
    tube.wrinkle(0.0012 * streak + 0.0006 * fine)
    tube.part[:] = PART["hair"]
    tube.gloss[:] = 0.45


def _scalp(body, complexion, spacing, hat=False):
    grow = {"short": 0.0075, "crop": 0.0022, "bun": 0.004, "tail": 0.004}.get(complexion.style, 0.0085)
    tube = _skull_tube(body, complexion, spacing, grow=0.008 if hat else grow)
    chin, height, _, _, _ = head_frame(body, complexion)
    t = (tube.point[..., 1] - chin) / height
    if hat:
        tube.keep = t > 0.64
        tube.color[:] = complexion.hat_color
        tube.paint((t < 0.76) * 0.5, complexion.hat_color * 0.7)
        tube.wrinkle(0.0012 * np.sin(tube.theta * 44)[None, :] * np.ones_like(t))
        tube.part[:] = PART["hair"]
        return tube
    volume = np.clip((t - 0.6) / 0.4, 0, 1) * (
        0.010 if complexion.style in ("short", "bob", "long") else 0.002
    )
    tube.displace(volume * (1 + 0.5 * complexion.noise(tube.theta * 2.5, 1.7)[None, :]))
    _strands(tube, complexion)
    tube.keep = _hair_mask(tube, t, complexion, 0.03)
    return tube


def _curtain(body, complexion, spacing):
    chin, height, wide, deep, shift = head_frame(body, complexion)
    bottom = chin - 0.005 if complexion.style == "bob" else chin - 0.05 - complexion.locks
    heights = np.array(
        [
            chin + 0.80 * height,
            chin + 0.6 * height,
            chin + 0.25 * height,
            chin - 0.02,
            bottom - 0.02,
            bottom - 0.03,
        ]
    )
    spread = 1.0 if complexion.style == "bob" else 1.08
    tube = make_tube(
        heights, np.array([0.90, 1.07, 1.19, 1.22, 1.16 * spread, 1.05 * spread]) * wide + 0.003,
        np.array([0.95, 1.06, 1.0, 0.95, 0.92, 0.85]) * deep,
        spacing=spacing, bones=(BONE["head"], BONE["chest"]), power=2.2,
        weight=lambda y: (y - (chin - 0.12)) / 0.12,
        center_z=np.array([0, -0.003, -0.008, -0.018, -0.036, -0.04]) + shift,
    )  # fmt: skip
    t = (tube.point[..., 1] - chin) / height
    _strands(tube, complexion)
    edge = np.interp(t, [-1.5, 0.0, 0.5, 0.8], [1.5, 1.32, 1.20, 0.9])
    ragged = bottom - 0.025 + 0.018 * complexion.noise(tube.theta * 7, 0.4)[None, :]
    tube.keep = (np.abs(tube.theta)[None, :] > edge) & (tube.point[..., 1] > ragged)
    return tube


def _knot(body, complexion, spacing):
    chin, height, _, deep, shift = head_frame(body, complexion)
    bun = complexion.style == "bun"
    r, length = (0.026, 0.026) if bun else (0.017, 0.075)
    y = np.linspace(-1, 1, 9)
    shape = (
        np.sqrt(np.maximum(1 - y**2, 0))
        if bun
        else np.array([0.02, 0.55, 0.8, 0.95, 1.0, 0.95, 0.8, 0.6, 0.02])
    )
    at = np.array([0, chin + (0.93 if bun else 0.42) * height, shift - deep * (0.75 if bun else 1.12)])
    tube = make_tube(
        y * length, shape * r, shape * r, spacing=spacing, bones=_HEAD,
        frame=(rotation_x(0.0 if bun else 0.12), at),
    )  # fmt: skip
    _strands(tube, complexion)
    return tube
