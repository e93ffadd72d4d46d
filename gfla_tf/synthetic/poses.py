"""Random poses within the limits of human joints, as in fashion photographs."""

from __future__ import annotations

import math

import numpy as np

from .body import Pose

_DEGREE = math.pi / 180.0

# Each row: weight, then the ranges in degrees of (abduction, flexion, twist, elbow).
_ARMS = (
    (0.26, (6, 16), (-8, 10), (-30, 10), (4, 28)),  # hanging
    (0.16, (38, 55), (-22, -5), (-98, -72), (78, 104)),  # hand on the hip
    (0.10, (6, 14), (18, 38), (-25, 5), (10, 40)),  # swinging forwards
    (0.08, (5, 14), (-32, -14), (-20, 5), (8, 30)),  # swinging backwards
    (0.08, (115, 165), (-10, 15), (-20, 40), (5, 40)),  # raised
    (0.07, (70, 100), (-10, 10), (60, 100), (60, 110)),  # waving
    (0.05, (105, 130), (-15, 10), (-100, -70), (105, 130)),  # touching the head
    (0.08, (8, 20), (50, 95), (-20, 25), (5, 50)),  # reaching forwards
    (0.06, (55, 95), (-10, 15), (-20, 20), (2, 25)),  # held out sideways
    (0.06, (8, 18), (8, 25), (-65, -35), (85, 115)),  # across the belly
)
# Each row: weight, then the ranges in degrees of both legs' (abduction, flexion, twist, knee).
_LEGS = (
    (0.32, ((1, 5), (-2, 3), (0, 12), (0, 4)), ((1, 5), (-2, 3), (0, 12), (0, 4))),  # standing
    (0.18, ((1, 4), (-3, 2), (0, 10), (0, 4)), ((5, 12), (8, 20), (8, 25), (15, 35))),  # one knee eased
    (0.12, ((8, 15), (-2, 4), (5, 18), (0, 5)), ((8, 15), (-2, 4), (5, 18), (0, 5))),  # astride
    (0.24, ((0, 3), (14, 28), (0, 6), (2, 12)), ((0, 3), (-22, -10), (0, 6), (4, 26))),  # walking
    (0.08, ((1, 4), (-3, 2), (0, 10), (0, 4)), ((2, 10), (40, 80), (0, 12), (55, 95))),  # a knee lifted
    (0.06, ((-5, -2), (2, 8), (0, 8), (4, 14)), ((-5, -2), (-6, 0), (0, 8), (0, 6))),  # legs crossed
)


def _choose(rng, rows):
    weights = np.array([row[0] for row in rows])
    return rows[rng.choice(len(rows), p=weights / weights.sum())]


def _sample(rng, ranges):
    return tuple(rng.uniform(low, high) * _DEGREE for low, high in ranges)


def random_yaw(rng: np.random.Generator) -> float:
    """Samples a yaw: half near the front, a quarter three-quarter or side views, a quarter near the back."""
    kind = rng.random()
    if kind < 0.5:
        return rng.uniform(-16, 16) * _DEGREE
    if kind < 0.75:
        return rng.choice((-1.0, 1.0)) * rng.uniform(30, 105) * _DEGREE
    return (180 + rng.uniform(-18, 18)) * _DEGREE


def random_pose(rng: np.random.Generator, narrow_skirt: bool = False) -> Pose:
    """Samples a pose; `narrow_skirt` limits the legs to what a skirt allows."""
    arm = _choose(rng, _ARMS)
    arms = [_sample(rng, arm[1:]), _sample(rng, (arm if rng.random() < 0.35 else _choose(rng, _ARMS))[1:])]
    legs = [_sample(rng, ranges) for ranges in _choose(rng, _LEGS)[1:]]
    if rng.random() < 0.5:
        legs.reverse()
    if narrow_skirt:
        legs = [(a, min(max(f, -0.25), 0.4), t, min(k, 0.6)) for a, f, t, k in legs]
    lean = rng.normal(0.0, 4.0 if rng.random() < 0.8 else 10.0) * _DEGREE
    sway = rng.normal(0.0, 2.5) * _DEGREE
    return Pose(
        root=(rng.normal(0, 1.5) * _DEGREE, sway, 0.0),
        spine=(rng.normal(1, 3.5) * _DEGREE, lean - sway, rng.normal(0, 8) * _DEGREE),
        head=(rng.normal(2, 6) * _DEGREE, rng.normal(0, 5) * _DEGREE, rng.normal(0, 18) * _DEGREE),
        arms=tuple(arms),
        legs=tuple(legs),
        yaw=random_yaw(rng),
    )
