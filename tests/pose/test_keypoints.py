"""Tests of the keypoints, of OpenPose's JSON and of annotation files."""

import json

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose.formats import read_pose
from gfla_tf.pose.keypoints import KEYPOINTS, read_annotations
from gfla_tf.pose.skeletons import COCO_18
from tests.pages import ROOT, table


def _person(count, scale=1.0):
    return {"pose_keypoints_2d": [v for i in range(count) for v in (10.0 + i * scale, 50.0 + i, 0.9)]}


def _write(tmp_path, document, name="pose.json"):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_coco_18(tmp_path):
    person = _person(18)
    person["pose_keypoints_2d"][2] = 0.01  # nose: too uncertain
    person["pose_keypoints_2d"][3:6] = [0, 0, 0.7]  # neck: OpenPose's mark of a missing one
    pose = read_pose(_write(tmp_path, {"version": 1.3, "people": [person]}))
    assert pose.keypoints.shape == (18, 2)
    assert pose.keypoints.dtype == np.float32
    assert pose.frame is None
    np.testing.assert_array_equal(pose.keypoints[:3], [[-1, -1], [-1, -1], [52, 12]])


def test_body_25(tmp_path):
    pose = read_pose(_write(tmp_path, {"people": [_person(25)]}))
    np.testing.assert_array_equal(pose.keypoints[:, 1], [*range(10, 18), *range(19, 29)])


def test_people_and_canvas(tmp_path):
    faint = {"pose_keypoints_2d": [1.5, 2.5, 0.06] * 18}
    path = _write(tmp_path, [{"people": [faint, _person(18)], "canvas_height": 200, "canvas_width": 100}])
    assert read_pose(path).frame == (200, 100)
    assert read_pose(path).keypoints[0, 0] == 50
    assert read_pose(path, person=0).keypoints[0, 0] == 2.5
    with pytest.raises(InputError, match="no person 2"):
        read_pose(path, person=2)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "is not a JSON file"),
        ("{'people': []}", "is not a JSON file"),
        ("[" * 100_000, "is not a JSON file"),
        ([], "no list 'people'"),
        ({}, "no list 'people'"),
        ({"people": []}, "contains no person"),
        ({"people": [{}]}, "no list 'pose_keypoints_2d'"),
        ({"people": [_person(17)]}, "has 17 keypoints: expected 18"),
        ({"people": [{"pose_keypoints_2d": [1.0] * 40}]}, "has 40 numbers"),
        ({"people": [{"pose_keypoints_2d": [float("nan")] * 54}]}, "contains nan at position 0"),
        ({"people": [{"pose_keypoints_2d": [2.0] * 53 + [float("inf")]}]}, "contains inf at position 53"),
        ({"people": [{"pose_keypoints_2d": ["x"] * 54}]}, "expected a number"),
        ({"people": [{"pose_keypoints_2d": [0] * 54}]}, "no keypoint"),
        ({"people": [{"pose_keypoints_2d": [0.25, 0.5, 0.9] * 18}]}, "fractions of the image"),
    ],
)
def test_bad_json(tmp_path, document, message):
    with pytest.raises(InputError, match=message) as error:
        read_pose(_write(tmp_path, document))
    assert "pose.json" in str(error.value)


def test_bad_files(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xff\xd8\xff\xe0binary")
    for name, message in (("a.json", "not a text file"), ("b.json", "does not exist"), ("", "is a folder")):
        with pytest.raises(InputError, match=message):
            read_pose(tmp_path / name)


HEADER = "name:keypoints_y:keypoints_x\n"


def test_annotation_row(tmp_path):
    ys, xs = list(range(18)), [*range(100, 117), -1]
    path = _write(tmp_path, f"{HEADER}a.jpg:{ys}:{xs}\n\nb.jpg:{xs}:{ys}\n", "fasion-annotation-test.csv")
    assert list(read_annotations(path)) == ["a.jpg", "b.jpg"]
    pose = read_pose(f"{path}#a.jpg")
    assert pose.frame == (256, 176)
    np.testing.assert_array_equal(pose.keypoints[[3, 17]], [[3, 103], [-1, -1]])
    with pytest.raises(InputError, match="no row named"):
        read_pose(f"{path}#c.jpg")
    with pytest.raises(InputError, match="select one with"):
        read_pose(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected"),
        ("from,to\n", "line 1: expected"),
        (HEADER + "a.jpg:[1]", "line 2: expected"),
        (HEADER + "a.jpg:[1, 2]:[1, 2]", "line 2: keypoints_y must contain 18 numbers, found 2 values"),
        (HEADER + f"a.jpg:{[1] * 18}:oops", "line 2: keypoints_x is not a JSON list"),
        (HEADER + f"a.jpg:{[1] * 18}:[{'NaN,' * 17}1]", "line 2: keypoints_x contains nan"),
        (HEADER + f"a.jpg:{[1] * 18}:{[1] * 18}\n" * 2, "line 3"),
        (HEADER + f"\na.jpg:{[1] * 18}:{[1] * 18}\na.jpg:{[1] * 18}:{[1] * 18}", "line 4: the name"),
    ],
)
def test_bad_annotations(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_annotations(_write(tmp_path, text, "a.csv"))


def test_the_keypoints_are_documented():
    rows = table(ROOT / "docs" / "pose.md", "## The keypoints")
    cells = [cell.strip("`") for row in rows for cell in row]
    documented = dict(zip(cells[::2], cells[1::2], strict=True))
    assert {int(index): name for index, name in documented.items() if index.isdigit()} == dict(
        enumerate(KEYPOINTS)
    )
    assert COCO_18 == KEYPOINTS
    assert len(set(KEYPOINTS)) == 18
