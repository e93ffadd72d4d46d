"""COCO's keypoint JSON, 17 keypoints (x, y, third) a person: annotations, and results.

Annotations list images with their sizes, and people whose third number is the visibility: 2 seen, 1 placed
but hidden, 0 missing; it is read as a confidence of 1, 0.5 or 0. Results list people with an image's number
and confidences, and have no place for the image's size.
"""

from __future__ import annotations

import os

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.pose.keypoints import check_numbers
from gfla_tf.pose.openpose import frame_of
from gfla_tf.pose.people import PosedImage, is_image_name
from gfla_tf.pose.skeletons import COCO_17, person_from, select

_LIMBS = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10)),
    *((9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
"""COCO's own `skeleton`: pairs of keypoints counted from 1."""


def parse_annotations(document: dict, where: str, min_confidence: float) -> list[PosedImage]:
    """The images of a parsed annotation file and their people; an image may have none.

    Raises:
      InputError: `images` or an entry is malformed, or a person's image is not listed.
    """
    images, people = {}, {}
    for entry in _entries(document.get("images"), "images", where):
        key, name = entry.get("id"), entry.get("file_name")
        if not _is_key(key) or not is_image_name(name) or key in images:
            raise InputError(
                f"the pose {where!r} lists an image without 'id' or 'file_name', or two of one 'id'"
            )
        images[key] = (name, frame_of(entry, "height", "width"))
        people[key] = []
    for index, entry in enumerate(_entries(document.get("annotations"), "annotations", where)):
        place = f"the pose {where!r}, annotation {index}"
        key = entry.get("image_id")
        if not _is_key(key) or key not in images:
            raise InputError(f"{place} belongs to no image that the file lists: correct its 'image_id'")
        points = _points(entry, place)
        if not np.isin(points[:, 2], (0, 1, 2)).all():
            raise InputError(f"{place} has a visibility other than 0, 1 and 2")
        seen = points[:, 2] == 2
        points[:, 2] /= 2
        people[key].append(person_from(points[:, [1, 0, 2]], COCO_17, min_confidence, seen))
    several = len(images) > 1
    return [
        PosedImage(name, frame, tuple(people[key]), f"{where}#{name}" if several else where)
        for key, (name, frame) in images.items()
    ]


def parse_results(document: list, where: str, min_confidence: float) -> list[PosedImage]:
    """The people of a parsed result file, gathered by image; an image's name is its number.

    Raises:
      InputError: an entry is malformed.
    """
    people: dict = {}
    for index, entry in enumerate(_entries(document, "results", where)):
        place = f"the pose {where!r}, result {index}"
        if not _is_key(entry.get("image_id")):
            raise InputError(f"{place} has no 'image_id'")
        person = person_from(_points(entry, place)[:, [1, 0, 2]], COCO_17, min_confidence)
        people.setdefault(str(entry["image_id"]), []).append(person)
    several = len(people) > 1
    return [
        PosedImage(name, None, tuple(found), f"{where}#{name}" if several else where)
        for name, found in people.items()
    ]


def annotations_document(images: list[PosedImage]) -> dict:
    """The annotation file of images: visibility 2 for a confidence above 0.5, 1 for a lower one, box and area
    those of the keypoints.
    """
    listed, annotations = [], []
    for number, image in enumerate(images, 1):
        size = {"height": image.frame[0], "width": image.frame[1]} if image.frame else {}
        listed.append({"id": number, "file_name": image.name, **size})
        for person in image.people:
            points = select(person, COCO_17)
            found = points[:, 2] > 0
            if not found.any():
                continue
            (top, left), (bottom, right) = points[found, :2].min(0), points[found, :2].max(0)
            visibility = np.where(points[:, 2] > 0.5, 2, 1)
            box = [left, top, right - left, bottom - top]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "iscrowd": 0,
                    "num_keypoints": int(found.sum()),
                    "keypoints": _triples(points, visibility),
                    "bbox": [round(float(side), 3) for side in box],
                    "area": round(float(box[2] * box[3]), 3),
                }
            )
    person = {"id": 1, "name": "person", "keypoints": list(COCO_17), "skeleton": [list(p) for p in _LIMBS]}
    return {"images": listed, "annotations": annotations, "categories": [person]}


def results_document(images: list[PosedImage]) -> list:
    """The result file of images. The `image_id` is the number that a file of COCO is named by
    (`000000397133.jpg`), or else the name; the score is the mean confidence of the found keypoints.
    """
    results = []
    for image in images:
        stem = os.path.splitext(os.path.basename(image.name))[0]
        for person in image.people:
            points = select(person, COCO_17)
            found = points[:, 2] > 0
            if found.any():
                results.append(
                    {
                        "image_id": int(stem) if stem.isdecimal() and len(stem) < 19 else image.name,
                        "category_id": 1,
                        "keypoints": _triples(points, np.round(points[:, 2].astype(float), 4)),
                        "score": round(float(points[found, 2].mean()), 4),
                    }
                )
    return results


def _entries(values, what: str, where: str) -> list[dict]:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise InputError(f"the pose {where!r} has no list {what!r} of JSON objects, as COCO's files have")
    return values


def _is_key(value) -> bool:
    return is_image_name(value) or (isinstance(value, int) and not isinstance(value, bool))


def _points(entry: dict, place: str) -> np.ndarray:
    """(x, y, third) as float32 [17, 3]."""
    values = entry.get("keypoints")
    if not isinstance(values, list):
        raise InputError(f"{place} has no list 'keypoints'")
    if len(values) != 3 * len(COCO_17):
        raise InputError(f"{place} has {len(values)} numbers: expected 17 keypoints of 3 numbers each")
    return check_numbers(values, f"{place}: keypoints").reshape(-1, 3)


def _triples(points: np.ndarray, third: np.ndarray) -> list:
    """[x, y, third, …] of keypoints [17, 3] (y, x, confidence), 0, 0, 0 for a missing one."""
    triples = []
    for (y, x, confidence), last in zip(points.tolist(), third.tolist(), strict=True):
        triples += [round(x, 3), round(y, 3), last] if confidence > 0 else [0, 0, 0]
    return triples
