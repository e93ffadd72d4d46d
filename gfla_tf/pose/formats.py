"""Pose files of every kind that is known here, read and written: one home for all who need a pose.

    coco18           OpenPose's JSON, 18 keypoints, one image a file
    body25           OpenPose's JSON, 25 keypoints, one image a file
    coco17           COCO's annotation JSON, any number of images
    coco17-results   COCO's result JSON, any number of images, no image sizes
    csv              the authors' annotation CSV: 18 keypoints in whole pixels, one person an image

What a format cannot express is missing after it: confidences and other people in a CSV, the feet in all but
body25. Nothing is invented but the neck, which COCO's 17 keypoints lack (`gfla_tf.pose.skeletons`).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.images.io import read_file
from gfla_tf.pose import coco, openpose
from gfla_tf.pose.keypoints import (
    ANNOTATION_HEADER,
    decode_text,
    format_annotation,
    frame_of_annotations,
    read_annotations,
)
from gfla_tf.pose.people import PosedImage
from gfla_tf.pose.skeletons import BODY_25, COCO_18, person_from, select

MAX_JSON_BYTES = 64 * 2**20
MIN_CONFIDENCE = 0.05
"""Below it a keypoint of a file is missing."""

ONE_IMAGE_FORMATS = {"coco18": COCO_18, "body25": BODY_25}
FORMATS = (*ONE_IMAGE_FORMATS, "coco17", "coco17-results", "csv")


@dataclass(frozen=True)
class Pose:
    """One person's pose and where it comes from.

    `keypoints` is float32 [18, 2] (y, x), (-1, -1) missing, some perhaps outside the frame (`keep_inside` of
    `gfla_tf.pose.keypoints` drops these); `frame` is (H, W) in pixels where the source tells it.
    """

    keypoints: np.ndarray
    frame: tuple[int, int] | None
    name: str

    @classmethod
    def of(cls, image: PosedImage, person: int | None = None) -> Pose:
        """The pose of number `person` of an image's people, or of the largest; `InputError` as `choose`."""
        points = select(image.choose(person), COCO_18)
        return cls(points[:, :2].copy(), image.frame, image.where)


def read_pose(spec, person: int | None = None, min_confidence: float = MIN_CONFIDENCE) -> Pose:
    """Reads one pose from a file of any of the formats.

    Args:
      spec: `pose.json`, or `FILE#NAME` for the image NAME of a file of several (`annotation.csv#NAME`).
      person: which of the image's people, counted from 0; None: the largest.
      min_confidence: a keypoint of lower confidence is missing.

    Raises:
      InputError: as `read_people`; or several images to choose from, no image of that name, no person or not
        that one, or all keypoints missing.
    """
    images = read_people(spec, min_confidence)
    if not images:
        raise InputError(f"the pose {os.fspath(spec)!r} holds no image")
    if len(images) > 1:
        kind = "row" if os.fspath(spec).lower().endswith(".csv") else "image"
        raise InputError(
            f"the pose {os.fspath(spec)!r} holds {len(images)} {kind}s: say which {kind} with "
            f"{os.fspath(spec) + '#NAME'!r}"
        )
    return Pose.of(images[0], person)


def read_people(spec, min_confidence: float = MIN_CONFIDENCE) -> list[PosedImage]:
    """Reads the people of all images in a pose file; its content tells the format, but a CSV ends in `.csv`.

    Args:
      spec: the file, or `FILE#NAME` for the image NAME alone.
      min_confidence: a keypoint of lower confidence is missing.

    Raises:
      InputError: the file is missing, too large or malformed, of no known format, or has no image NAME; the
        sentence names the file and the line or the entry.
    """
    path, wanted = _split(os.fspath(spec))
    images = _read_csv(path) if path.lower().endswith(".csv") else _read_json(path, min_confidence)
    if wanted is None:
        return images
    chosen = [image for image in images if image.name == wanted]
    if len(chosen) != 1:
        kind = "rows" if path.lower().endswith(".csv") else "images"
        raise InputError(
            f"the pose file {path!r} has no {kind[:-1]} named {wanted!r} (it has {len(images)} {kind})"
        )
    return chosen


def encode_people(images: list[PosedImage], kind: str) -> bytes:
    """The bytes of a file of one of `FORMATS`.

    Args:
      images: one for coco18 and body25, any number for the others. A CSV has one row an image: its largest
        person without the keypoints outside the frame, or a row of missing ones where nobody was found.
      kind: the format.

    Raises:
      ValueError: an unknown format, or several images for a format of one.
      InputError: a name that a CSV cannot hold, or two images of one name.
    """
    if kind not in FORMATS:
        raise ValueError(f"the format must be one of {FORMATS}, got {kind!r}")
    if kind in ONE_IMAGE_FORMATS and len(images) != 1:
        raise ValueError(f"a file of the format {kind!r} holds one image, got {len(images)}")
    names = [image.name for image in images]
    if len(set(names)) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise InputError(f"two images are both named {twice!r}: one file can hold only one of them")
    if kind == "csv":
        return "\n".join([ANNOTATION_HEADER, *map(_row, images), ""]).encode()
    if kind == "coco17":
        document = coco.annotations_document(images)
    elif kind == "coco17-results":
        document = coco.results_document(images)
    else:
        document = openpose.openpose_document(images[0], ONE_IMAGE_FORMATS[kind])
    return (json.dumps(document) + "\n").encode()


def _split(spec: str) -> tuple[str, str | None]:
    """`FILE#NAME` as (FILE, NAME), where FILE ends as a pose file does; any other name as (spec, None)."""
    for ending in (".csv#", ".json#"):
        place = spec.lower().find(ending)
        if place >= 0:
            return spec[: place + len(ending) - 1], spec[place + len(ending) :]
    return spec, None


def _read_csv(path: str) -> list[PosedImage]:
    frame = frame_of_annotations(path)
    images = []
    for name, keypoints in read_annotations(path).items():
        found = (keypoints >= 0).all(-1, keepdims=True)
        person = person_from(np.concatenate([keypoints, found], -1), COCO_18)
        images.append(PosedImage(name, frame, (person,), f"{path}#{name}"))
    return images


def _read_json(path: str, min_confidence: float) -> list[PosedImage]:
    text = decode_text(read_file(path, MAX_JSON_BYTES, "pose"), path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        at = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(
            f"the pose {path!r} is not a JSON file{at}: give OpenPose's or COCO's JSON"
        ) from error
    if isinstance(document, list) and len(document) == 1 and _has(document[0], "people"):
        document = document[0]
    if _has(document, "people"):
        stem = os.path.splitext(os.path.basename(path))[0].removesuffix("_keypoints")
        return [openpose.parse_openpose(document, stem, path, min_confidence)]
    if isinstance(document, dict) and "annotations" in document:
        return coco.parse_annotations(document, path, min_confidence)
    if isinstance(document, list) and document and all(_has(entry, "keypoints") for entry in document):
        return coco.parse_results(document, path, min_confidence)
    raise InputError(
        f"the pose {path!r} has no list 'people' as OpenPose's JSON has, nor 'keypoints' as COCO's has"
    )


def _has(document, name: str) -> bool:
    return isinstance(document, dict) and isinstance(document.get(name), list)


def _row(image: PosedImage) -> str:
    keypoints = np.full((len(COCO_18), 2), -1.0, np.float32)
    if any((person[:, 2] > 0).any() for person in image.people):
        keypoints = Pose.of(image).keypoints
    if image.frame:
        inside = (keypoints < image.frame).all(-1, keepdims=True)
        keypoints = np.where(inside, np.minimum(keypoints, np.array(image.frame) - 1), -1.0)
    return format_annotation(image.name, keypoints)
