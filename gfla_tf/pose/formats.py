"""Reading and writing of pose files.

    coco18           OpenPose's JSON, 18 keypoints, one image per file
    body25           OpenPose's JSON, 25 keypoints, one image per file
    coco17           COCO's annotation JSON, any number of images
    coco17-results   COCO's result JSON, any number of images, no image sizes
    csv              the authors' annotation CSV: 18 keypoints in whole pixels, one person per image

Conversion drops what a format cannot express: confidences and all but one person in a CSV, the feet in all
formats but body25. The neck, which COCO's 17 keypoints lack, is derived (`gfla_tf.pose.skeletons`).
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gfla_tf.documents import DocumentError, parse_json
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.files.names import is_utf8, other_spelling, stem
from gfla_tf.images.io import read_file
from gfla_tf.pose import coco, openpose
from gfla_tf.pose.keypoints import (
    ANNOTATION_HEADER,
    decode_text,
    format_annotation,
    frame_of_annotations,
    parse_annotations,
    without_negative,
)
from gfla_tf.pose.people import PosedImage
from gfla_tf.pose.plausibility import check_plausible
from gfla_tf.pose.skeletons import BODY_25, COCO_18, person_from, select
from gfla_tf.pose.units import Units, find_units

MAX_JSON_BYTES = 64 * 2**20
MIN_CONFIDENCE = 0.05
"""Keypoints of a file with lower confidence are marked as missing."""

ONE_IMAGE_FORMATS = {"coco18": COCO_18, "body25": BODY_25}
FORMATS = (*ONE_IMAGE_FORMATS, "coco17", "coco17-results", "csv")

_SURE = 0.5  # keypoints of the face of lower confidence may not be visible

_LOG = logging.getLogger("gfla_tf")


@dataclass(frozen=True)
class Pose:
    """One person's pose.

    Attributes:
      keypoints: float32 [18, 2] (y, x) in pixels, (-1, -1) missing. They may be outside the frame
        (`gfla_tf.pose.frame.keep_inside` marks such keypoints as missing).
      frame: (H, W) in pixels, None if unknown.
      name: the source, for messages.
    """

    keypoints: np.ndarray
    frame: tuple[int, int] | None
    name: str

    @classmethod
    def of(cls, image: PosedImage, person: int | None = None) -> Pose:
        """The pose of the person that `PosedImage.choose` selects."""
        points = select(image.choose(person), COCO_18)
        return cls(points[:, :2].copy(), image.frame, image.where)


def read_pose(
    spec: PathLike,
    person: int | None = None,
    min_confidence: float = MIN_CONFIDENCE,
    frame: tuple[int, int] | None = None,
    default_frame: tuple[int, int] | None = None,
) -> Pose:
    """Reads one pose from a file of any of the formats.

    Args:
      spec: the file, or `FILE#NAME` for the image NAME of a file with several (`annotation.csv#NAME`).
      person: index of the person in the image; by default the largest person.
      min_confidence: keypoints of lower confidence are marked as missing.
      frame: (H, W) of the image that the pose was measured in; overrides the size in the file.
      default_frame: (H, W) for a file without size.

    Raises:
      InputError: as for `read_people`; or the file has several images and no NAME is given, no such person,
        or all keypoints are missing.
    """

    def in_frame(image: PosedImage) -> PosedImage:
        return dataclasses.replace(image, frame=frame or image.frame or default_frame)

    images = read_people(spec, min_confidence, in_frame)
    if not images:
        raise InputError(f"the pose {os.fspath(spec)!r} contains no image")
    if len(images) > 1:
        kind = "row" if os.fspath(spec).lower().endswith(".csv") else "image"
        raise InputError(
            f"the pose {os.fspath(spec)!r} contains {len(images)} {kind}s: select one with "
            f"{os.fspath(spec) + '#NAME'!r}, such as NAME = {images[0].name!r}"
        )
    return Pose.of(images[0], person)


def read_people(
    spec: PathLike,
    min_confidence: float = MIN_CONFIDENCE,
    with_frame: Callable[[PosedImage], PosedImage] | None = None,
    maybe_swapped: bool = False,
) -> list[PosedImage]:
    """Reads the people of all images in a pose file.

    Files with the extension `.csv` are annotation CSVs; the JSON formats are detected from the content. The
    units of the keypoints are those of most of them in the file (`gfla_tf.pose.units`); fractions are scaled
    to the frame.

    Args:
      spec: the file, or `FILE#NAME` for the image NAME only.
      min_confidence: keypoints of lower confidence are marked as missing.
      with_frame: optional function that sets the name and frame of an image, whose keypoints are still in the
        units of the file.
      maybe_swapped: whether the frame that `with_frame` sets may have swapped sides (see `check_frame`).

    Raises:
      InputError: the file is missing, too large, malformed or of an unknown format, or has no image NAME; the
        keypoints are fractions of an image of unknown size, or most of them are outside their frame, or they
        are implausible (`gfla_tf.pose.plausibility`). The message contains the file and the line or entry.
    """
    path, requested = _split(os.fspath(spec))
    is_csv = path.lower().endswith(".csv")
    images = _read_csv(path) if is_csv else _read_json(path, min_confidence)
    names = [f"person {index} of {one.where!r}" for one in images for index in range(len(one.people))]
    people = [person for one in images for person in one.people]
    units = find_units(np.stack(people)[..., :2], f"the pose {path!r}", names.__getitem__) if people else None
    _check_plausible(images, units, path)
    if requested is not None:
        images = [_named(images, requested, path)]
    if with_frame is not None:
        images = [with_frame(image) for image in images]
    if units not in (None, Units.PIXELS):
        images = [image.in_pixels(units) for image in images]
        _LOG.warning("the pose %r is in %s, which are scaled to pixels", path, units.value)
    if is_csv:
        images = [_without_negative(image) for image in images]
    for image in images:
        image.check_frame(maybe_swapped)
    return images


def encode_people(images: list[PosedImage], kind: str) -> bytes:
    """Encodes a pose file.

    Args:
      images: one image for coco18 and body25, any number for the others. A CSV has one row per image: the
        largest person without keypoints outside the frame, or only missing keypoints if there is no person.
      kind: one of `FORMATS`.

    Raises:
      ValueError: an unknown format, or several images for a format of one.
      InputError: a name that cannot be written to a CSV, or two images of the same name.
    """
    if kind not in FORMATS:
        raise ValueError(f"the format must be one of {FORMATS}, got {kind!r}")
    if kind in ONE_IMAGE_FORMATS and len(images) != 1:
        raise ValueError(f"a file of the format {kind!r} contains one image, got {len(images)}")
    check_names([image.name for image in images], kind)
    if kind == "csv":
        return "\n".join([ANNOTATION_HEADER, *map(_row, images), ""]).encode()
    if kind == "coco17":
        document = coco.annotations_document(images)
    elif kind == "coco17-results":
        document = coco.results_document(images)
    else:
        document = openpose.openpose_document(images[0], ONE_IMAGE_FORMATS[kind])
    return (json.dumps(document) + "\n").encode()


def check_names(names: list[str], kind: str) -> None:
    """Checks that one file of the format `kind` can contain images of these names.

    Raises:
      InputError: two names, or their ids in COCO's results, are equal; or a name is not valid UTF-8, which a
        CSV file cannot contain.
    """
    if kind == "csv" and not all(map(is_utf8, names)):
        name = next(name for name in names if not is_utf8(name))
        raise InputError(f"the name {name!r} is not valid UTF-8, as CSV files are: rename the image")
    first: dict[int | str, str] = {}
    for name in names:
        key = coco.result_key(name) if kind == "coco17-results" else name
        other = first.get(key)
        if other == name:
            raise InputError(f"two images have the name {name!r}: one file can contain only one of them")
        if other is not None:
            raise InputError(
                f"the images {other!r} and {name!r} have the same id {key} in COCO's results: rename one"
            )
        first[key] = name


def _check_plausible(images: list[PosedImage], units: Units | None, path: str) -> None:
    """Checks that the keypoints of a file's people are those of their names."""
    scaled = [one.in_pixels(units) if units and one.frame else one for one in images]
    people = [person for one in scaled for person in one.people]
    if people:
        points = np.stack(people)  # [N, 25, 3]
        found = (points[..., 2] > 0) & (points[..., :2] != -1).any(-1)
        check_plausible(points[..., :2], found, f"the pose {path!r}", points[..., 2] > _SURE)


def _split(spec: str) -> tuple[str, str | None]:
    """Splits `FILE#NAME`, if FILE has the extension of a pose file; otherwise returns (spec, None)."""
    for ending in (".csv#", ".json#"):
        position = spec.lower().find(ending)
        if position >= 0:
            return spec[: position + len(ending) - 1], spec[position + len(ending) :]
    return spec, None


def _named(images: list[PosedImage], name: str, path: str) -> PosedImage:
    """Returns the image of the given name; raises an `InputError` if there is none."""
    chosen = [image for image in images if image.name == name]
    chosen = chosen or [image for image in images if coco.is_same_id(image.name, name)]
    if len(chosen) != 1:
        kind = "rows" if path.lower().endswith(".csv") else "images"
        raise InputError(
            f"the pose file {path!r} has no {kind[:-1]} named {name!r} (it has {len(images)} {kind})"
            f"{other_spelling(name, [image.name for image in images])}"
        )
    return chosen[0]


def _read_csv(path: str) -> list[PosedImage]:
    frame = frame_of_annotations(path)
    images = []
    for name, keypoints in parse_annotations(path).items():
        found = (keypoints != -1).all(-1, keepdims=True)
        person = person_from(np.concatenate([keypoints, found], -1), COCO_18)
        images.append(PosedImage(name, frame, (person,), f"{path}#{name}"))
    return images


def _without_negative(image: PosedImage) -> PosedImage:
    """Marks keypoints of a CSV's row with a negative coordinate as missing."""
    (person,) = image.people
    points = without_negative(person[:, :2])
    confidences = np.where(points[:, :1] >= 0, person[:, 2:], 0)
    return dataclasses.replace(image, people=(np.concatenate([points, confidences], -1),))


def _read_json(path: str, min_confidence: float) -> list[PosedImage]:
    text = decode_text(read_file(path, MAX_JSON_BYTES, "pose"), path)
    try:
        document = parse_json(text, nonfinite=True)
    except DocumentError as error:
        at = f"line {error.line}" if error.line else error
        raise InputError(
            f"the pose {path!r} is not a JSON file ({at}): expected OpenPose's or COCO's JSON"
        ) from error
    name = stem(path).removesuffix("_keypoints")
    if isinstance(document, list) and any(_has(frame, "people") for frame in document):
        return openpose.parse_frames(document, name, path, min_confidence)
    if _has(document, "people"):
        return [openpose.parse_openpose(document, name, path, min_confidence)]
    if isinstance(document, dict) and "annotations" in document:
        return coco.parse_annotations(document, path, min_confidence)
    if isinstance(document, list) and document and all(_has(entry, "keypoints") for entry in document):
        return coco.parse_results(document, path, min_confidence)
    raise InputError(
        f"the pose {path!r} has no list 'people' as OpenPose's JSON has, nor 'keypoints' as COCO's has"
    )


def _has(document: object, name: str) -> bool:
    return isinstance(document, dict) and isinstance(document.get(name), list)


def _row(image: PosedImage) -> str:
    keypoints = np.full((len(COCO_18), 2), -1.0, np.float32)
    if any((person[:, 2] > 0).any() for person in image.people):
        keypoints = Pose.of(image).keypoints
    if image.frame:
        inside = (keypoints < image.frame).all(-1, keepdims=True)
        keypoints = np.where(inside, np.minimum(keypoints, np.array(image.frame) - 1), -1.0)
    return format_annotation(image.name, keypoints)
