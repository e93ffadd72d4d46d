"""A pose from whatever a person has: a pose file, or a photograph of somebody in that pose."""

from __future__ import annotations

import os
from collections.abc import Callable

from gfla_tf.data.images import FORMATS, read_image
from gfla_tf.data.keypoint_formats import MIN_CONFIDENCE, Pose, read_pose
from gfla_tf.data.posed_image import NobodyError, PosedImage

_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"BM")
"""How PNG, JPEG, WebP and BMP files begin, and no text file does."""


def find_pose(
    spec,
    estimator: Callable[[], Callable],
    person: int | None = None,
    min_confidence: float = MIN_CONFIDENCE,
) -> Pose:
    """One person's pose from a pose file or a photograph.

    Args:
      spec: a pose file as `read_pose` takes it, or a photograph.
      estimator: gives a `PoseEstimator`; called for a photograph only.
      person: which of the people, counted from 0; None: the largest.
      min_confidence: below it a keypoint of a pose file is missing; the estimator has its own.

    Raises:
      InputError: as `read_pose`, `read_image` and `PoseEstimator`; nobody was found in the photograph.
    """
    spec = os.fspath(spec)
    if is_photo(spec):
        return Pose.of(find_people(spec, estimator()), person)
    return read_pose(spec, person, min_confidence)


def find_people(path: str, estimator: Callable) -> PosedImage:
    """The people of a photograph, by a `PoseEstimator`; at least one.

    Raises:
      InputError: the photograph cannot be read.
      NobodyError: nobody was found.
    """
    found = estimator(read_image(path), path)
    if not found.people:
        raise NobodyError(
            f"no person was found in the photograph {path!r}: give one that shows somebody whole"
        )
    return found


def is_photo(spec: str) -> bool:
    """Whether a file is a photograph: by its ending where that tells, otherwise by its first bytes."""
    name = spec.lower()
    if name.endswith((".json", ".csv")) or ".json#" in name or ".csv#" in name:
        return False
    if name.endswith(FORMATS):
        return True
    try:
        if not os.path.isfile(spec):
            return False
        with open(spec, "rb") as file:
            return file.read(4).startswith(_STARTS)
    except (OSError, ValueError):
        return False
