"""Poses from pose files or photographs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.files.names import names_in, other_spelling, stem
from gfla_tf.images.io import FORMATS, read_image
from gfla_tf.pose.coco import is_same_id
from gfla_tf.pose.formats import MIN_CONFIDENCE, Pose, read_people, read_pose
from gfla_tf.pose.people import NoPersonError, PosedImage

Estimator = Callable[[np.ndarray, str], PosedImage]
"""As `gfla_tf.pose.PoseEstimator`: a photograph, uint8 RGB [H, W, 3], and its name."""

_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"BM")
"""The first bytes of PNG, JPEG, WebP and BMP files."""


def find_pose(
    spec: PathLike,
    estimator: Callable[[], Estimator],
    person: int | None = None,
    min_confidence: float = MIN_CONFIDENCE,
    frame: tuple[int, int] | None = None,
    default_frame: tuple[int, int] | None = None,
) -> Pose:
    """Reads one person's pose from a pose file, or estimates it from a photograph.

    Args:
      spec: a pose file as for `read_pose`, or a photograph.
      estimator: function that returns a `PoseEstimator`; only called for a photograph.
      person: index of the person; by default the largest person.
      min_confidence: keypoints of a pose file of lower confidence are marked as missing; the estimator has
        its own threshold.
      frame: (H, W) of the image that the pose of a pose file was measured in; overrides the size in the file.
      default_frame: (H, W) for a pose file without size.

    Raises:
      InputError: as for `read_pose`, `read_image` and `PoseEstimator`, the photograph contains no person, or
        a frame is given for it.
    """
    spec = os.fspath(spec)
    if is_photo(spec):
        if frame:
            raise InputError(f"a frame is given for {spec!r}, but the size of a photograph is known: omit it")
        return Pose.of(find_people(spec, estimator()), person)
    return read_pose(spec, person, min_confidence, frame, default_frame)


def find_people(path: str, estimator: Estimator) -> PosedImage:
    """Estimates the poses of the people in a photograph with a `PoseEstimator`.

    Raises:
      InputError: the photograph cannot be read.
      NoPersonError: no person was found.
    """
    found = estimator(read_image(path), path)
    if not found.people:
        raise NoPersonError(
            f"no person was found in the photograph {path!r}: use one that shows a whole person"
        )
    return found


def is_photo(spec: str) -> bool:
    """Whether a file is a photograph, by its extension, or by its first bytes if the extension is unknown."""
    name = spec.lower()
    if name.endswith((".json", ".csv")) or ".json#" in name or ".csv#" in name:
        return False
    if name.endswith(FORMATS):
        return True
    try:
        if not os.path.isfile(spec):
            return False
        with open(spec, "rb") as file:
            return file.read(4).startswith(_SIGNATURES)
    except (OSError, ValueError):
        return False


@dataclasses.dataclass(frozen=True)
class PoseInput:
    """One image of the inputs of `write_poses`.

    Attributes:
      name: the name of the image; the path for a photograph.
      posed: the people that a pose file contains; None for a photograph.
    """

    name: str
    posed: PosedImage | None = None

    def people(self, estimator: Estimator | None) -> PosedImage:
        """Returns the image's people; those of a photograph are estimated."""
        if self.posed is not None:
            return self.posed
        return dataclasses.replace(find_people(self.name, estimator), name=os.path.basename(self.name))

    @property
    def stem(self) -> str:
        """The file name without folder and known ending.

        Raises:
          InputError: it is empty or invalid.
        """
        found = stem(self.name.replace("\\", "/"))
        if not found.strip(". ") or "\0" in found:
            raise InputError(f"the image name {self.name[:60]!r} is not a valid file name: rename it")
        return found


def expand_folders(inputs: list[str]) -> list[str]:
    """Replaces each folder by the photographs in it, or by its `.json` files if there is no photograph.

    Raises:
      InputError: a folder contains neither, or cannot be read.
    """
    expanded = []
    for spec in inputs:
        if not os.path.isdir(spec):
            expanded.append(spec)
            continue
        names = _names_in(spec)
        chosen = [name for name in names if name.lower().endswith(FORMATS)]
        chosen = chosen or [name for name in names if name.lower().endswith(".json")]
        if not chosen:
            raise InputError(f"the folder {spec!r} contains no photograph and no .json file")
        expanded += [os.path.join(spec, name) for name in chosen]
    return expanded


def read_input(
    spec: str, min_confidence: float, frame: tuple[int, int] | None, photographs: str | None
) -> list[PoseInput]:
    """Reads the images of one photograph or pose file.

    Args:
      spec: the photograph, or the pose file as for `read_people`.
      min_confidence: keypoints of a pose file of lower confidence are marked as missing.
      frame: (H, W) of the images in a pose file's pixels; overrides the size in the file.
      photographs: a folder with the photographs of the pose file, of the same names, with any extension;
        names are taken from them, and sizes if the file has none.

    Raises:
      InputError: as for `read_people`, or a photograph is missing or cannot be read.
    """
    if is_photo(spec):
        return [PoseInput(spec)]
    files = {} if photographs is None else _by_stem(photographs)

    def with_frame(image: PosedImage) -> PosedImage:
        if photographs is not None:
            image = _with_photograph(image, photographs, files)
        return image if frame is None else dataclasses.replace(image, frame=frame)

    images = read_people(spec, min_confidence, with_frame, frame is not None)
    return [PoseInput(image.name, image) for image in images]


def _by_stem(folder: str) -> dict[str, list[str]]:
    """The image files of a folder by their names without extensions."""
    files: dict[str, list[str]] = {}
    for name in _names_in(folder):
        if name.lower().endswith(FORMATS):
            files.setdefault(stem(name), []).append(name)
    return files


def _names_in(folder: str) -> list[str]:
    try:
        return names_in(folder)
    except (OSError, ValueError) as error:
        raise InputError(f"the folder {folder!r} cannot be read: {error}") from error


def _with_photograph(image: PosedImage, folder: str, files: dict[str, list[str]]) -> PosedImage:
    name = os.path.basename(image.name.replace("\\", "/"))
    found = files.get(stem(name), [])
    if name in found:
        found = [name]
    elif not found:
        found = [file for key, same in files.items() if is_same_id(name, key) for file in same]
    if len(found) != 1:
        hint = other_spelling(stem(name), files)
        raise InputError(
            f"{image.where!r} contains {image.name!r}, of which the folder {folder!r} has {len(found)} "
            f"photographs: it must have one{hint}"
        )
    height, width = read_image(os.path.join(folder, found[0])).shape[:2]
    return dataclasses.replace(image, name=found[0], frame=image.frame or (height, width))
