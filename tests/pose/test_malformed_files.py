"""Tests of malformed pose files: each ends in one error message."""

import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose import formats as keypoint_formats
from gfla_tf.pose.formats import read_people, read_pose
from tests.pose.pose_files import coco, write

NAN = float("nan")


def test_repeated_names_are_refused(tmp_path):
    (tmp_path / "pose.json").write_text('{"people": [], "people": [{}]}')
    with pytest.raises(InputError, match="the name 'people' is repeated within one object"):
        read_pose(tmp_path / "pose.json")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"people": [{"pose_keypoints_2d": [[1]] * 54}]}, "person 0: .* contains a list at position 0"),
        ({"people": [{"pose_keypoints_2d": [True] * 54}]}, "contains a bool at position 0"),
        ({"people": [{"pose_keypoints_2d": [10**400] * 54}]}, "expected a pixel position"),
        ({"people": [{"pose_keypoints_2d": [1.0] * 10**6}]}, "has 1000000 numbers"),
        ({"people": [[1, 2]]}, "person 0 has no list 'pose_keypoints_2d'"),
        ({"people": {"a": 1}}, "no list 'people'"),
        ({"people": [{"pose_keypoints_2d": []}]}, "has no keypoint"),
        ({"people": [{"pose_keypoints_2d": None, "face_keypoints_2d": [5.0, 5.0, 1.0]}]}, "has no keypoint"),
        ({"annotations": 5, "images": []}, "no list 'annotations' of JSON objects"),
        ({"annotations": [], "images": {}}, "no list 'images' of JSON objects"),
        ({"annotations": [], "images": []}, "contains no image"),
        ({"annotations": [], "images": [{"id": 1}]}, "an image without 'id' or 'file_name'"),
        ({"annotations": [], "images": [{"id": 1, "file_name": "a"}] * 2}, "or two of one 'id'"),
        ({"annotations": [], "images": [{"id": [], "file_name": "a"}]}, "without 'id'"),
        ({"annotations": [], "images": [{"id": 1, "file_name": "a\ud800"}]}, "without 'id' or 'file_name'"),
        ({"annotations": [], "images": [{"id": 1, "file_name": "a" * 1001}]}, "without 'id' or 'file_name'"),
        (coco(image_id=8), "annotation 0 belongs to no image"),
        (coco(image_id=[]), "annotation 0 belongs to no image"),
        (coco(keypoints=None), "annotation 0 has no list 'keypoints'"),
        (coco(keypoints=[1] * 50), "annotation 0 has 50 numbers: expected 17 keypoints"),
        (coco(keypoints=[1, 2, 3] * 17), "annotation 0 has a visibility other than 0, 1 and 2"),
        (coco(keypoints=[1, NAN, 2] * 17), "annotation 0: keypoints contains nan at position 1"),
        ([{"keypoints": [1] * 51}], "result 0 has no 'image_id'"),
        ([{"keypoints": [1] * 50, "image_id": 1}], "result 0 has 50 numbers"),
        ([{"keypoints": [1] * 51, "image_id": 1}, 5], "no list 'people'"),
        ([1, 2, 3], "nor 'keypoints'"),
        (b"[" * 10**6, "is not a JSON file"),
        (b'{"people": [' + b'{"a":' * 10**5, "is not a JSON file"),
        (b'{"people": [{"pose_keypoints_2d": [' + b"9" * 5000 + b"]}]}", "is not a JSON file"),
        (b"\xff\xfe{", "is not a text file"),
    ],
)
def test_malformed_files(tmp_path, document, message):
    with pytest.raises(InputError, match=message) as error:
        read_pose(write(tmp_path, document))
    assert "pose.json" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("name", [5, "", "a\ud800", "a\nb", "a" * 1001, None])
def test_invalid_names_are_ignored(tmp_path, name):
    document = {"people": [], "file_name": name}
    (image,) = read_people(write(tmp_path, document, "mine_keypoints.json"))
    assert image.name == "mine"


def test_large_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(keypoint_formats, "MAX_JSON_BYTES", 2**20)
    with pytest.raises(InputError, match="has 1 MiB, more than the 1 MiB that are accepted"):
        read_pose(write(tmp_path, b" " * (2**20 + 1)))


FRAMES = [
    ((704.0, 512), (704, 512)),
    ((1e3, 5.0), (1000, 5)),
    ((None, None), None),
    ((True, True), "'(canvas_)?height' must be a whole number of pixels .*, got True"),
    (("704", "512"), "'(canvas_)?height' must be a whole number of pixels .*, got '704'"),
    ((5, "5"), "'(canvas_)?width' must be .*, got '5'"),
    ((0, 5), "'(canvas_)?height' must be .*, got 0"),
    ((5, -4), "'(canvas_)?width' must be .*, got -4"),
    ((5.5, 5), "'(canvas_)?height' must be .*, got 5.5"),
    ((NAN, 5), "'(canvas_)?height' must be .*, got nan"),
    ((float("inf"), 5), "'(canvas_)?height' must be .*, got inf"),
    ((2**21, 5), "'(canvas_)?height' must be .*, got 2097152"),
    ((5, 10**400), "'(canvas_)?width' must be .*, got a number of 1329 bits"),
    ((5, [5, 5]), "'(canvas_)?width' must be .*, got a list of 2"),
    ((5, None), "has '(canvas_)?height' but no '(canvas_)?width'"),
]


@pytest.mark.parametrize(("size", "expected"), FRAMES)
def test_frames_are_whole_numbers_or_refused(tmp_path, size, expected):
    openpose = {"people": [{"pose_keypoints_2d": [3.0, 3.0, 1.0] * 18}]}
    openpose.update(canvas_height=size[0], canvas_width=size[1])
    annotations = coco(keypoints=[3, 3, 2] * 17)
    annotations["images"][0].update(height=size[0], width=size[1])
    for document in (openpose, [openpose], annotations):
        path = write(tmp_path, document)
        if isinstance(expected, str):
            with pytest.raises(InputError, match=expected):
                read_pose(path)
        else:
            assert read_pose(path).frame == expected
