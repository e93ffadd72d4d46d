"""A pose from whatever a person has: a pose file, or a photograph of somebody in that pose."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

from gfla_tf.errors import InputError
from gfla_tf.images.io import FORMATS, read_image
from gfla_tf.pose.formats import MIN_CONFIDENCE, Pose, read_people, read_pose
from gfla_tf.pose.people import NobodyError, PosedImage

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


@dataclasses.dataclass(frozen=True)
class PoseInput:
    """An image: its `name`, and its people if a pose file gave them; None: a photograph, `name` its path."""

    name: str
    posed: PosedImage | None = None

    def people(self, estimator: Callable | None) -> PosedImage:
        """The image's people; those of a photograph by the estimator, under the photograph's file name."""
        if self.posed is not None:
            return self.posed
        return dataclasses.replace(find_people(self.name, estimator), name=os.path.basename(self.name))

    @property
    def stem(self) -> str:
        """What a file of its own is called, without an ending; never a path.

        Raises:
          InputError: the name gives none.
        """
        stem = os.path.splitext(self.name.replace("\\", "/").rpartition("/")[2])[0]
        if not stem.strip(". ") or "\0" in stem:
            raise InputError(f"an image is named {self.name[:60]!r}, which makes no file name: rename it")
        return stem


def expand_folders(inputs: list[str]) -> list[str]:
    """The inputs with each folder replaced by the photographs in it, or by its `.json` files if it has none.

    Raises:
      InputError: a folder has neither, or cannot be read.
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
            raise InputError(f"the folder {spec!r} holds no photograph and no .json file")
        expanded += [os.path.join(spec, name) for name in chosen]
    return expanded


def read_input(
    spec: str, min_confidence: float, frame: tuple[int, int] | None, photographs: str | None
) -> list[PoseInput]:
    """The images of one photograph or pose file.

    Args:
      spec: the photograph, or the pose file as `read_people` takes it.
      min_confidence: a keypoint of a pose file of lower confidence is missing.
      frame: (H, W) of the images in a pose file's pixels, in place of what the file says.
      photographs: a folder with the photographs that the pose file is about, of the same names but perhaps
        for the ending; names and sizes are taken from them.

    Raises:
      InputError: as `read_people`; or a photograph is missing in that folder, or not to be read.
    """
    if is_photo(spec):
        return [PoseInput(spec)]
    images = read_people(spec, min_confidence)
    if photographs is not None:
        files = _by_stem(photographs)
        images = [_with_photograph(image, photographs, files) for image in images]
    if frame is not None:
        images = [dataclasses.replace(image, frame=frame) for image in images]
    return [PoseInput(image.name, image) for image in images]


def _by_stem(folder: str) -> dict[str, list[str]]:
    """The image files of a folder by their names without endings."""
    files: dict[str, list[str]] = {}
    for name in _names_in(folder):
        stem, ending = os.path.splitext(name)
        if ending.lower() in FORMATS:
            files.setdefault(stem, []).append(name)
    return files


def _names_in(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError) as error:
        raise InputError(f"the folder {folder!r} cannot be read: {error}") from error


def _with_photograph(image: PosedImage, folder: str, files: dict[str, list[str]]) -> PosedImage:
    stem, ending = os.path.splitext(os.path.basename(image.name))
    stem = stem if ending.lower() in FORMATS else os.path.basename(image.name)
    found = files.get(stem, [])
    if len(found) != 1:
        raise InputError(
            f"{image.where!r} is about {image.name!r}, of which the folder {folder!r} has {len(found)} "
            "photographs: it must have one"
        )
    height, width = read_image(os.path.join(folder, found[0])).shape[:2]
    return dataclasses.replace(image, name=found[0], frame=(height, width))
