"""Poses and pose files for tests."""

import json

import numpy as np

from gfla_tf.pose.formats import encode_people, read_people
from gfla_tf.pose.people import PosedImage
from gfla_tf.pose.skeletons import BODY_25, COCO_17, COCO_18

MISSING = (-1.0, -1.0, 0.0)


EXTENSION = {"csv": ".csv"}

STANDING = dict(
    zip(
        COCO_17,
        [
            *[(88, 40), (92, 36), (84, 36), (98, 38), (78, 38), (106, 64), (70, 64), (114, 95), (62, 95)],
            *[(118, 124), (58, 124), (100, 126), (76, 126), (101, 170), (75, 170), (102, 214), (74, 214)],
        ],
        strict=True,
    )
)
"""An upright person seen from the front: (x, y) by the names of COCO."""


def swapped(*joints):
    """The indices of COCO_18 with the left and right of some joints exchanged."""
    sides = (("left", "right"), ("right", "left"))
    names = {f"{one}_{joint}": f"{other}_{joint}" for joint in joints for one, other in sides}
    return [COCO_18.index(names.get(name, name)) for name in COCO_18]


def make_person(seed=0, size=(256, 176), lost=()):
    """A person [25, 3] with whole positions away from the corner, some keypoints of which are missing."""
    rng = np.random.default_rng(seed)
    points = np.concatenate([rng.integers(1, size, (25, 2)), rng.uniform(0.55, 1, (25, 1)).round(3)], -1)
    points[[BODY_25.index(name) for name in lost]] = MISSING
    return points.astype(np.float32)


def make_image(*people, name="a.jpg", frame=(256, 176)):
    return PosedImage(name, frame, people, name)


def write(tmp_path, data, name="pose.json"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def through(tmp_path, image, kind, number=0):
    path = tmp_path / f"step{number}{EXTENSION.get(kind, '.json')}"
    path.write_bytes(encode_people([image], kind))
    (read,) = read_people(path)
    return read


def coco(**changes):
    keypoints = [value for index in range(17) for value in (10 + index, 50 + 2 * index, 2)]
    entry = {"id": 1, "image_id": 7, "category_id": 1, "keypoints": keypoints, **changes}
    return {
        "images": [{"id": 7, "file_name": "b.jpg", "height": 100, "width": 80}],
        "annotations": [entry],
        "categories": [],
    }


def upright():
    """An upright person in the middle of a frame of 256 x 176: float32 [18, 2] (y, x)."""
    y = (40, 62, 64, 95, 124, 64, 95, 124, 126, 170, 214, 126, 170, 214, 36, 36, 38, 38)
    x = (88, 88, 70, 62, 58, 106, 114, 118, 76, 75, 74, 100, 101, 102, 84, 92, 78, 98)
    return np.array([y, x], np.float32).T
