"""Small pose files for the tests of `gfla pose`."""

import numpy as np

from gfla_tf.images.io import encode_image
from gfla_tf.pose.formats import encode_people
from gfla_tf.pose.people import PosedImage
from gfla_tf.pose.skeletons import COCO_18, person_from
from tests.pose import planted


def random_person(seed=0, size=(200, 150)):
    points = np.random.default_rng(seed).integers(1, size, (18, 2))
    return person_from(np.concatenate([points, np.ones((18, 1))], -1), COCO_18)


def write_people(path, *images, kind="coco18"):
    path.write_bytes(encode_people(list(images), kind))


def posed_image(name, *people, frame=(200, 150)):
    return PosedImage(name, frame, people, name)


def write_photo(path, *people, size=(200, 150)):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_image(path, planted.photograph(size, people, 5)))


def error_messages(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("gfla: error:")]
