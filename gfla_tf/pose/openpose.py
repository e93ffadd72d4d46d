"""OpenPose's JSON: the people of one image with 18 (COCO) or 25 (BODY_25) keypoints (x, y, confidence).

OpenPose writes (0, 0) for a missing keypoint, so a keypoint at this position is read as missing. OpenPose's
files contain no image size; those of pose editors, and those written here, add `canvas_width` and
`canvas_height`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.pose.frame import frame_of
from gfla_tf.pose.keypoints import check_numbers
from gfla_tf.pose.people import PosedImage, is_image_name
from gfla_tf.pose.skeletons import BODY_25, COCO_18, person_from, select

_OTHER_PARTS = ("face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")


def parse_openpose(document: dict[str, Any], name: str, where: str, min_confidence: float) -> PosedImage:
    """Converts a parsed OpenPose file; its keypoints stay in the units of the file.

    Args:
      document: the JSON object; its `people` must be a list.
      name: the image's name, if the document has no `file_name`.
      where: the file, for messages.
      min_confidence: keypoints of lower confidence are marked as missing.

    Raises:
      InputError: a person is malformed, has another number of keypoints or a number that is not a pixel
        position, or the size is not a whole number of pixels.
    """
    frame = frame_of(document, "canvas_height", "canvas_width", f"the pose {where!r}")
    people = tuple(
        _parse_person(person, f"the pose {where!r}, person {index}", min_confidence)
        for index, person in enumerate(document["people"])
    )
    given = document.get("file_name")
    return PosedImage(given if is_image_name(given) else name, frame, people, where)


def parse_frames(document: list[Any], name: str, where: str, min_confidence: float) -> list[PosedImage]:
    """Converts a parsed list of OpenPose's documents, one per frame of a video, as ComfyUI writes it.

    The images are named by their `file_name`, otherwise `name_0000`, `name_0001` etc.; a single one `name`.

    Raises:
      InputError: as for `parse_openpose`, an element is not such a document, or two have the same name.
    """
    if len(document) == 1:
        return [parse_openpose(document[0], name, where, min_confidence)]
    images: dict[str, PosedImage] = {}
    for index, frame in enumerate(document):
        if not isinstance(frame, dict) or not isinstance(frame.get("people"), list):
            raise InputError(f"the pose {where!r}, frame {index} has no list 'people'")
        image = parse_openpose(frame, f"{name}_{index:04}", f"{where}, frame {index}", min_confidence)
        if image.name in images:
            raise InputError(f"the pose {where!r}, frame {index}: the name {image.name!r} occurs twice")
        images[image.name] = dataclasses.replace(image, where=f"{where}#{image.name}")
    return list(images.values())


def openpose_document(image: PosedImage, names: tuple[str, ...]) -> dict[str, Any]:
    """Converts an image's people to OpenPose's JSON with the keypoints `names` (`COCO_18` or `BODY_25`)."""
    people = []
    for person in image.people:
        points = select(person, names)
        found = points[:, 2:] > 0
        values = np.where(found, points[:, [1, 0, 2]], 0.0).ravel()
        people.append(
            {
                "person_id": [-1],
                "pose_keypoints_2d": [round(float(value), 4) for value in values],
                **{part: [] for part in _OTHER_PARTS},
            }
        )
    document = {"version": 1.3, "people": people, "file_name": image.name}
    if image.frame:
        document["canvas_height"], document["canvas_width"] = image.frame
    return document


def _parse_person(person: object, where: str, min_confidence: float) -> np.ndarray:
    values = None
    if isinstance(person, dict):
        values = person.get("pose_keypoints_2d", person.get("pose_keypoints"))
        if values is None and "pose_keypoints_2d" in person:
            values = []  # a person of whom only the face or the hands were found
    if not isinstance(values, list):
        raise InputError(f"{where} has no list 'pose_keypoints_2d'")
    sets = {3 * len(names): names for names in (COCO_18, BODY_25)}
    if values and len(values) not in sets:
        number = f"{len(values) // 3} keypoints" if len(values) % 3 == 0 else f"{len(values)} numbers"
        raise InputError(f"{where} has {number}: expected 18 (COCO) or 25 (BODY_25), 3 numbers each")
    if not values:
        return person_from(np.zeros((len(COCO_18), 3)), COCO_18)
    points = check_numbers(values, f"{where}: pose_keypoints_2d").reshape(-1, 3)
    points[(points[:, :2] == 0).all(-1), 2] = 0.0
    return person_from(points[:, [1, 0, 2]], sets[len(values)], min_confidence)
