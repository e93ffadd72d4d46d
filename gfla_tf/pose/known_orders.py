"""Orders of keypoints of other programs that have as many keypoints as one of ours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gfla_tf.pose.skeletons import BODY_25, COCO_17, COCO_18


@dataclass(frozen=True)
class KnownOrder:
    """An order of keypoints.

    Attributes:
      title: its name.
      ours: the order of as many keypoints for which it can be mistaken.
      theirs: its keypoints by the names of BODY_25; None for those that BODY_25 does not have.
      distinct: whether a single person shows which of the two it is.
    """

    title: str
    ours: tuple[str, ...]
    theirs: tuple[str | None, ...]
    distinct: bool

    def read(self, points: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Converts points [N, 25, 2] and found [N, 25], read in our order, to what they are in this one."""
        other, known = np.zeros_like(points), np.zeros_like(found)
        for name, meant in zip(self.ours, self.theirs, strict=True):
            if meant is not None:
                other[:, _INDEX[meant]] = points[:, _INDEX[name]]
                known[:, _INDEX[meant]] = found[:, _INDEX[name]]
        if "neck" not in self.theirs:
            shoulders = [_INDEX["right_shoulder"], _INDEX["left_shoulder"]]
            other[:, _INDEX["neck"]] = other[:, shoulders].mean(1)
            known[:, _INDEX["neck"]] = known[:, shoulders].all(1)
        return other, known


BODY_25B = (
    *(*COCO_17, "neck", None),
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
)
"""OpenPose's BODY_25B: COCO's 17 keypoints, the upper neck, the top of the head (None), and the feet."""

HUMAN36M = (
    *(
        "mid_hip",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        None,
        "neck",
    ),
    *("nose", None, "left_shoulder", "left_elbow", "left_wrist"),
    *("right_shoulder", "right_elbow", "right_wrist"),
)
"""The 17 joints of Human3.6M, in which the spine and the top of the head are None."""

LOOK_ALIKES = (
    KnownOrder("OpenPose's BODY_25B", BODY_25, BODY_25B, True),
    KnownOrder("COCO's 17 keypoints with a neck at the end", COCO_18, (*COCO_17, "neck"), True),
    KnownOrder(
        "OpenPose's 18 keypoints without the neck", COCO_17, tuple(n for n in COCO_18 if n != "neck"), False
    ),
    KnownOrder("Human3.6M's 17 joints", COCO_17, HUMAN36M, False),
)

_INDEX = {name: index for index, name in enumerate(BODY_25)}
