"""The articulated skeleton of a synthetic person: proportions, rest joints and forward kinematics.

Body space is right-handed: x points to the person's left, y up, and z in the direction that the person faces.
A person of average build is 1 unit tall and stands on y = 0. In the rest pose the arms hang straight down.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

BONES = (
    "pelvis", "chest", "head",
    "left_upper_arm", "left_lower_arm", "right_upper_arm", "right_lower_arm",
    "left_thigh", "left_shin", "right_thigh", "right_shin", "left_foot", "right_foot",
)  # fmt: skip
BONE = {name: number for number, name in enumerate(BONES)}

PART_NAMES = (
    "background", "hair", "face", "torso",
    "left_upper_arm", "right_upper_arm", "left_lower_arm", "right_lower_arm",
    "left_upper_leg", "right_upper_leg", "left_lower_leg", "right_lower_leg",
    "left_foot", "right_foot", "skirt", "accessory",
)  # fmt: skip
PART = {name: number for number, name in enumerate(PART_NAMES)}


@dataclasses.dataclass(frozen=True)
class Body:
    """Proportions of one person, in units of an average person's height."""

    height: float
    head_height: float
    shoulder_x: float
    hip_x: float
    waist: float
    girth: float
    limb: float
    leg: float
    arm: float
    bust: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Body:
        """Samples the proportions of one person."""
        frame = rng.uniform(-1.0, 1.0)  # slender hips and broad shoulders at +1, the reverse at -1
        return cls(
            height=rng.uniform(0.93, 1.05),
            head_height=rng.uniform(0.136, 0.148),
            shoulder_x=0.102 + 0.011 * frame + rng.uniform(-0.004, 0.004),
            hip_x=0.050 - 0.003 * frame,
            waist=0.93 + 0.06 * frame + rng.uniform(-0.04, 0.05),
            girth=rng.uniform(0.88, 1.14),
            limb=rng.uniform(0.88, 1.14) * (1.0 + 0.05 * frame),
            leg=rng.uniform(-0.012, 0.018),
            arm=rng.uniform(0.96, 1.05),
            bust=max(0.0, -frame) * rng.uniform(0.3, 1.0) * 0.016,
        )

    @property
    def hip_y(self) -> float:
        return 0.520 + self.leg

    @property
    def knee_y(self) -> float:
        return 0.285 + 0.6 * self.leg

    @property
    def ankle_y(self) -> float:
        return 0.045

    @property
    def waist_y(self) -> float:
        return 0.625 + 0.5 * self.leg

    @property
    def shoulder_y(self) -> float:
        return 0.812

    @property
    def chin_y(self) -> float:
        return 1.0 - self.head_height

    @property
    def elbow_y(self) -> float:
        return self.shoulder_y - 0.163 * self.arm

    @property
    def wrist_y(self) -> float:
        return self.elbow_y - 0.138 * self.arm

    def pivots(self) -> np.ndarray:
        """Rest position of each bone's joint, float64 [13, 3], in the order of `BONES`."""
        sx, hx = self.shoulder_x, self.hip_x
        return np.array(
            [
                [0, self.hip_y, 0], [0, self.waist_y, 0], [0, self.chin_y - 0.005, -0.006],
                [sx, self.shoulder_y, -0.006], [sx, self.elbow_y, -0.006],
                [-sx, self.shoulder_y, -0.006], [-sx, self.elbow_y, -0.006],
                [hx, self.hip_y, 0], [hx, self.knee_y, 0], [-hx, self.hip_y, 0], [-hx, self.knee_y, 0],
                [hx, self.ankle_y, 0], [-hx, self.ankle_y, 0],
            ]
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Pose:
    """Joint angles in radians.

    Attributes:
      root: (forward, sideways, turn) of the pelvis.
      spine: (forward, sideways, turn) of the chest.
      head: (forward, sideways, turn) of the head.
      arms: (left, right), each (abduction, flexion, twist, elbow).
      legs: (left, right), each (abduction, flexion, twist, knee).
      yaw: rotation of the whole person: 0 faces the viewer, positive angles turn the right side to the
        viewer, pi shows the back.
    """

    root: tuple[float, float, float]
    spine: tuple[float, float, float]
    head: tuple[float, float, float]
    arms: tuple[tuple[float, ...], tuple[float, ...]]
    legs: tuple[tuple[float, ...], tuple[float, ...]]
    yaw: float


def rotation_x(angle: float) -> np.ndarray:
    """Rotation about x (y toward z), float64 [3, 3]."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def rotation_y(angle: float) -> np.ndarray:
    """Rotation about y (z toward x), float64 [3, 3]."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def rotation_z(angle: float) -> np.ndarray:
    """Rotation about z (x toward y), float64 [3, 3]."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _trunk(angles):
    forward, sideways, turn = angles
    return rotation_y(turn) @ rotation_z(sideways) @ rotation_x(forward)


def forward_kinematics(body: Body, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """World rotation [13, 3, 3] and joint position [13, 3] of each bone; the lower foot stands on y = 0.

    A rest point r of bone b has the world position `rotation[b] @ (r - body.pivots()[b]) + position[b]`.
    """
    pivots = body.pivots()
    rotation = np.empty((len(BONES), 3, 3))
    position = np.zeros((len(BONES), 3))

    def attach(bone, parent, local, lift=0.0):
        rotation[bone] = rotation[parent] @ local
        offset = pivots[bone] - pivots[parent]
        offset[1] += lift
        position[bone] = rotation[parent] @ offset + position[parent]

    turn = rotation_y(pose.yaw)
    rotation[0] = turn @ _trunk(pose.root)
    attach(BONE["chest"], 0, _trunk(pose.spine))
    attach(BONE["head"], 1, _trunk(pose.head))
    for side, name, arm, leg in (
        (1, "left", pose.arms[0], pose.legs[0]),
        (-1, "right", pose.arms[1], pose.legs[1]),
    ):
        abduction, flexion, twist, elbow = arm
        raised = min(max(abduction, flexion) / 2.6, 1.0)
        shoulder = rotation_z(side * abduction) @ rotation_x(-flexion) @ rotation_y(side * twist)
        attach(BONE[f"{name}_upper_arm"], 1, shoulder, lift=0.028 * max(raised, 0.0) ** 2)
        attach(BONE[f"{name}_lower_arm"], BONE[f"{name}_upper_arm"], rotation_x(-elbow))
        abduction, flexion, twist, knee = leg
        hip = rotation_z(side * abduction) @ rotation_x(-flexion) @ rotation_y(side * twist)
        attach(BONE[f"{name}_thigh"], 0, hip)
        attach(BONE[f"{name}_shin"], BONE[f"{name}_thigh"], rotation_x(knee))
        attach(BONE[f"{name}_foot"], BONE[f"{name}_shin"], np.eye(3))
    feet = [BONE["left_foot"], BONE["right_foot"]]
    ground = position[feet, 1].min()
    for foot, side, leg in zip(feet, (1, -1), pose.legs, strict=True):
        lifted = min((position[foot, 1] - ground) / 0.06, 1.0)
        pitch = (leg[3] - leg[1]) * 0.8 * lifted
        rotation[foot] = turn @ rotation_y(side * (leg[2] + 0.15)) @ rotation_x(pitch)
    position[:, 1] += body.ankle_y - ground
    return rotation, position
