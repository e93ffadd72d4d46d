"""COCO's keypoint JSON: annotation files and result files.

The keypoints are those that the person's category lists (`gfla_tf.pose.coco_categories`), by default COCO's
17. Annotation files list images with their sizes, and people with keypoints (x, y, visibility): 2 visible,
1 labeled but occluded, 0 missing, which is read as a confidence of 1, 0.5 or 0. Result files list people
with the id of their image and keypoints (x, y, confidence); they contain no image sizes.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.files.names import stem
from gfla_tf.pose.coco_categories import Names, PersonCategories, has_keypoints, is_id
from gfla_tf.pose.frame import frame_of
from gfla_tf.pose.keypoints import check_numbers
from gfla_tf.pose.people import PosedImage, is_image_name
from gfla_tf.pose.skeletons import COCO_17, person_from, select

_LIMBS = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10)),
    *((9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
"""COCO's `skeleton`: pairs of keypoints, counted from 1."""


def parse_annotations(document: dict[str, Any], where: str, min_confidence: float) -> list[PosedImage]:
    """Converts a parsed annotation file: its images and their people; an image may have none.

    Annotations of other categories than the person, and bounding boxes without keypoints, are not read.

    Raises:
      InputError: `images`, `categories` or an entry is malformed, a person's image is not listed, the names
        of the keypoints are unknown, or no annotation has keypoints.
    """
    images, people = {}, {}
    for entry in _entries(document.get("images"), "images", where):
        key, name = entry.get("id"), entry.get("file_name")
        if not _is_key(key) or not is_image_name(name) or key in images:
            raise InputError(
                f"the pose {where!r} lists an image without 'id' or 'file_name', or two of one 'id'"
            )
        images[key] = (name, frame_of(entry, "height", "width", f"the pose {where!r}, image {name!r}"))
        people[key] = []
    entries = _entries(document.get("annotations"), "annotations", where)
    if entries and not any(map(has_keypoints, entries)):
        raise InputError(f"the pose {where!r} has no annotation with a list 'keypoints': it contains no pose")
    categories = PersonCategories(document.get("categories"), entries, where)
    for index, entry in enumerate(entries):
        where_entry = f"the pose {where!r}, annotation {index}"
        names = categories.names_of(entry, where_entry)
        if names is None or not has_keypoints(entry):
            continue
        key = entry.get("image_id")
        if not _is_key(key) or key not in images:
            raise InputError(f"{where_entry} belongs to no image of the file: correct its 'image_id'")
        points = _points(entry, len(names), where_entry)
        if not np.isin(points[:, 2], (0, 1, 2)).all():
            raise InputError(f"{where_entry} has a visibility other than 0, 1 and 2")
        seen = points[:, 2] == 2
        points[:, 2] /= 2
        people[key].append(_person(points[:, [1, 0, 2]], names, min_confidence, seen))
    several = len(images) > 1
    return [
        PosedImage(name, frame, tuple(people[key]), f"{where}#{name}" if several else where)
        for key, (name, frame) in images.items()
    ]


def parse_results(document: list[Any], where: str, min_confidence: float) -> list[PosedImage]:
    """Converts a parsed result file: its people, grouped by image. An image's name is its id.

    Raises:
      InputError: an entry is malformed, or there are several categories of which none is 1, the person.
    """
    people: dict[str, list[np.ndarray]] = {}
    entries = _entries(document, "results", where)
    categories = PersonCategories(None, entries, where)
    for index, entry in enumerate(entries):
        where_entry = f"the pose {where!r}, result {index}"
        names = categories.names_of(entry, where_entry)
        if names is None:
            continue
        key = entry.get("image_id")
        if not _is_key(key):
            raise InputError(f"{where_entry} has no 'image_id'")
        key = int(key) if isinstance(key, float) else key
        person = _person(_points(entry, len(names), where_entry)[:, [1, 0, 2]], names, min_confidence)
        people.setdefault(str(key), []).append(person)
    several = len(people) > 1
    return [
        PosedImage(name, None, tuple(found), f"{where}#{name}" if several else where)
        for name, found in people.items()
    ]


def annotations_document(images: list[PosedImage]) -> dict[str, Any]:
    """Converts images to an annotation file.

    The visibility is 2 for a confidence above 0.5 and 1 for a lower one; box and area are those of the
    keypoints.
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


def results_document(images: list[PosedImage]) -> list[dict[str, Any]]:
    """Converts images to a result file.

    The `image_id` is the number in the file name, as in COCO (`000000397133.jpg`), otherwise the name; the
    score is the mean confidence of the found keypoints.
    """
    results = []
    for image in images:
        for person in image.people:
            points = select(person, COCO_17)
            found = points[:, 2] > 0
            if found.any():
                results.append(
                    {
                        "image_id": result_key(image.name),
                        "category_id": 1,
                        "keypoints": _triples(points, np.round(points[:, 2].astype(float), 4)),
                        "score": round(float(points[found, 2].mean()), 4),
                    }
                )
    return results


def image_number(name: str) -> int | None:
    """Returns the id in the name of an image of COCO, None for other names.

    `000000397133.jpg`, `COCO_val2014_000000397133.jpg` and `397133` have the id 397133.
    """
    found = re.fullmatch(r"(?:COCO_(?:train|val|test)\d{4}_)?(\d{1,18})", stem(name), re.ASCII)
    return int(found[1]) if found else None


def result_key(name: str) -> int | str:
    """Returns the `image_id` of an image in a result file: the id in its name, or the name."""
    number = image_number(name)
    return name if number is None else number


def is_same_id(name: str, other: str) -> bool:
    """Whether one of two names is the id in a result file, and the other an image of that id."""
    number = image_number(name)
    return number is not None and number == image_number(other) and str(number) in (name, other)


def _entries(values: object, what: str, where: str) -> list[dict[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise InputError(f"the pose {where!r} has no list {what!r} of JSON objects, as COCO's files have")
    return values


def _is_key(value: object) -> bool:
    return is_image_name(value) if isinstance(value, str) else is_id(value)


def _person(
    points: np.ndarray, names: Names, min_confidence: float, visible: np.ndarray | None = None
) -> np.ndarray:
    """Converts points [n, 3] (y, x, confidence), of which some have no name, to a person [25, 3]."""
    used = [index for index, name in enumerate(names) if name is not None]
    known = tuple(name for name in names if name is not None)
    return person_from(points[used], known, min_confidence, None if visible is None else visible[used])


def _points(entry: dict[str, Any], count: int, where_entry: str) -> np.ndarray:
    """Returns (x, y, visibility or confidence) as float32 [count, 3]."""
    values = entry.get("keypoints")
    if not isinstance(values, list):
        raise InputError(f"{where_entry} has no list 'keypoints'")
    if len(values) != 3 * count:
        raise InputError(
            f"{where_entry} has {len(values)} numbers: expected {count} keypoints of 3 numbers each"
        )
    return check_numbers(values, f"{where_entry}: keypoints").reshape(-1, 3)


def _triples(points: np.ndarray, third: np.ndarray) -> list[float]:
    """Returns [x, y, third, ...] of keypoints [17, 3] (y, x, confidence); missing ones are 0, 0, 0."""
    triples = []
    for (y, x, confidence), last in zip(points.tolist(), third.tolist(), strict=True):
        triples += [round(x, 3), round(y, 3), last] if confidence > 0 else [0, 0, 0]
    return triples
