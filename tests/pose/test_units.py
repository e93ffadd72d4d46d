"""Tests of the units of keypoints: pixels, fractions from 0 to 1 and from -1 to 1."""

import json

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose.formats import read_people, read_pose
from gfla_tf.pose.keypoints import read_annotations
from gfla_tf.pose.skeletons import COCO_17, COCO_18
from gfla_tf.pose.units import Units, check_pixels, find_units
from tests.pose.pose_files import coco, upright, write

FRAME = (256, 176)
FRACTIONS = upright() / np.float32(FRAME)
CENTERED = FRACTIONS * 2 - 1
LEFT_OUT = (-1.0, -1.0)


def changed(points, *changes):
    points = points.copy()
    for index, value in changes:
        points[index] = value
    return points


CASES = {
    "pixels": (upright(), Units.PIXELS),
    "no keypoint": (np.full((18, 2), -1.0), Units.PIXELS),
    "a few pixels high": (upright() / 20, Units.PIXELS),
    "pixels with a joint in the corner": (changed(upright(), (3, (0.5, 1))), Units.PIXELS),
    "two pixels, one in the corner": (changed(upright(), (range(16), LEFT_OUT), (17, (1, 0))), Units.PIXELS),
    "pixels with missing joints at 0": (changed(upright(), (range(12), 0.0)), Units.PIXELS),
    "one whole pixel": (changed(np.full((18, 2), -1.0), (0, (1, 1))), Units.PIXELS),
    "fractions": (FRACTIONS, Units.FRACTIONS),
    "fractions with a joint beyond": (changed(FRACTIONS, (10, (1.027, 0.42))), Units.FRACTIONS),
    "fractions with joints far beyond": (changed(FRACTIONS, ([9, 10, 12, 13], (2.7, 0.5))), Units.FRACTIONS),
    "fractions with joints to the left": (changed(FRACTIONS, ([3, 4], (0.4, -0.06))), Units.FRACTIONS),
    "fractions with an outlier": (changed(FRACTIONS, (4, (300, 40))), Units.FRACTIONS),
    "fractions with missing joints": (changed(FRACTIONS, (range(12), LEFT_OUT)), Units.FRACTIONS),
    "one fraction": (changed(np.full((18, 2), -1.0), (0, (0.4, 0.5))), Units.FRACTIONS),
    "from -1": (CENTERED, Units.CENTERED),
    "from -1 with a joint beyond": (changed(CENTERED, (10, (1.05, -0.2))), Units.CENTERED),
    "from -1 with missing joints": (changed(CENTERED, (range(9, 18), LEFT_OUT)), Units.CENTERED),
}


@pytest.mark.parametrize("case", CASES)
def test_the_bulk_decides(case):
    points, expected = CASES[case]
    people = np.stack([points, np.full((18, 2), -1.0)])
    assert find_units(people, "a") is expected
    if expected is Units.PIXELS:
        check_pixels(people, "a")
    else:
        with pytest.raises(
            InputError, match=r"^a: the keypoints are in fractions .*: convert them to pixels"
        ):
            check_pixels(people, "a")


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([changed(upright(), (range(7), (0.4, 0.5)))], "a: 7 of 18 keypoints are in fractions of the image"),
        ([upright(), upright(), FRACTIONS], "a: .* in fractions of the image and the others in pixels"),
        ([*[upright()] * 9, FRACTIONS], "a: row 9 and the others are in different units"),
        ([*[FRACTIONS] * 9, upright()], "a: row 9 and the others are in different units"),
        ([np.rint(FRACTIONS)], "a: .* whole numbers within the first two pixels"),
        ([changed(CENTERED, (range(10), (0.2, 0.3)))], "a: .* negative coordinate, so it is not clear"),
    ],
)
def test_what_is_not_clear_is_refused(people, message):
    with pytest.raises(InputError, match=message):
        find_units(np.stack(people), "a")


def test_conversion_to_pixels():
    expected = changed(upright(), (4, LEFT_OUT))
    for units, points in (
        (Units.PIXELS, upright()),
        (Units.FRACTIONS, FRACTIONS),
        (Units.CENTERED, CENTERED),
    ):
        found = units.to_pixels(changed(points, (4, LEFT_OUT)), FRAME)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert found.dtype == np.float32


def _document(kind, points):
    """A pose file of one person without size; `points` are float [18, 2] (y, x)."""
    if kind == "openpose":
        return {"people": [{"pose_keypoints_2d": _triples(points, 0.9)}]}
    triples = _triples([points[COCO_18.index(name)] for name in COCO_17], 2 if kind == "annotations" else 0.9)
    if kind == "results":
        return [{"image_id": 7, "category_id": 1, "keypoints": triples, "score": 0.9}]
    document = coco(keypoints=triples)
    del document["images"][0]["height"], document["images"][0]["width"]
    return document


def _triples(points, third):
    return [value for y, x in points for value in (float(x), float(y), third)]


def _resize(kind, document, size):
    names = ("canvas_height", "canvas_width") if kind == "openpose" else ("height", "width")
    entry = document if kind == "openpose" else document["images"][0]
    entry.update(zip(names, size, strict=True))


@pytest.mark.parametrize("points", [FRACTIONS, CENTERED], ids=["from 0", "from -1"])
@pytest.mark.parametrize("kind", ["openpose", "annotations", "results", "csv"])
def test_fractions_in_files(tmp_path, caplog, kind, points):
    """An ankle is below the image; the frame is recorded, stated, or unknown."""
    points = changed(points, (10, (1.03, points[10, 1])))
    expected = changed(upright(), (10, ((points[10, 0] + 1) * 128 if points is CENTERED else 1.03 * 256, 74)))
    name = "pose.json"
    if kind == "csv":
        document = f"name:keypoints_y:keypoints_x\na.jpg:{points[:, 0].tolist()}:{points[:, 1].tolist()}\n"
        document, name = document.encode(), "mine.csv"
    else:
        document = _document(kind, points)
    path = write(tmp_path, document, name)
    with pytest.raises(InputError, match=r"in fractions of the image from .*, whose size is unknown"):
        read_people(path)
    found = read_pose(path, frame=FRAME).keypoints
    assert found[10, 0] > 256
    same = [0, *range(2, 10), *range(11, 18)]
    np.testing.assert_allclose(found[same], expected[same], atol=1e-3)
    np.testing.assert_array_equal(read_pose(path, default_frame=FRAME).keypoints, found)
    assert "in fractions of the image from" in caplog.text
    if kind in ("openpose", "annotations"):
        _resize(kind, document, FRAME)
        path = write(tmp_path, document, name)
        np.testing.assert_array_equal(read_pose(path).keypoints, found)
        np.testing.assert_array_equal(read_pose(path, frame=(512, 176)).keypoints, found * (2, 1))
    if kind == "csv":
        renamed = write(tmp_path, document, "fasion-annotation-test.csv")
        np.testing.assert_array_equal(read_pose(f"{renamed}#a.jpg").keypoints, found)
        for file in (path, renamed):
            with pytest.raises(InputError, match=r"csv': the keypoints are in fractions of the image"):
                read_annotations(file)


def test_people_in_different_units(tmp_path):
    document = _document("openpose", upright())
    document["people"] = document["people"] * 5 + _document("openpose", FRACTIONS)["people"]
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"person 5 of .*pose.json' and the others are in different units"):
        read_people(path)
