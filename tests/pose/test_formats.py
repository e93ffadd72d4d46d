"""Poses of every format into every other: numbers, what is lost, what is refused."""

import json
import logging

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose import formats as keypoint_formats
from gfla_tf.pose.formats import FORMATS, encode_people, read_people, read_pose
from gfla_tf.pose.people import PosedImage
from gfla_tf.pose.skeletons import BODY_25, COCO_17, COCO_18, box_area, person_from, select

MISSING = (-1.0, -1.0, 0.0)
ENDING = {"csv": ".csv"}


def _person(seed=0, size=(256, 176), lost=()):
    """A person [25, 3] with whole positions away from the corner, some keypoints of which are missing."""
    rng = np.random.default_rng(seed)
    points = np.concatenate([rng.integers(1, size, (25, 2)), rng.uniform(0.55, 1, (25, 1)).round(3)], -1)
    points[[BODY_25.index(name) for name in lost]] = MISSING
    return points.astype(np.float32)


def _image(*people, name="a.jpg", frame=(256, 176)):
    return PosedImage(name, frame, people, name)


def _write(tmp_path, data, name="pose.json"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def _through(tmp_path, image, kind, number=0):
    path = tmp_path / f"step{number}{ENDING.get(kind, '.json')}"
    path.write_bytes(encode_people([image], kind))
    (read,) = read_people(path)
    return read


KEPT = {"coco18": COCO_18, "body25": BODY_25, "coco17": COCO_17, "coco17-results": COCO_17, "csv": COCO_18}
EXACT = ("coco18", "body25", "coco17-results")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_format_keeps_what_it_has(tmp_path, kind):
    person = _person(lost=("left_wrist", "right_ear", "left_heel"))
    read = _through(tmp_path, _image(person), kind)
    expected = person_from(select(person, KEPT[kind]), KEPT[kind])
    np.testing.assert_array_equal(read.people[0][:, :2], expected[:, :2])
    np.testing.assert_array_equal(read.people[0][:, 2] > 0, expected[:, 2] > 0)
    if kind in EXACT:
        np.testing.assert_allclose(read.people[0][:, 2], expected[:, 2], atol=1e-4)
    assert read.name == "a.jpg"


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
def test_every_format_into_every_other(tmp_path, first, second):
    person = _person(1, lost=("right_knee", "mid_hip"))
    once = _through(tmp_path, _image(person), first, 1)
    twice = _through(tmp_path, once, second, 2)
    common = [name for name in BODY_25 if name in KEPT[first] and name in KEPT[second]]
    np.testing.assert_array_equal(select(twice.people[0], common)[:, :2], select(person, common)[:, :2])
    invented = {name for name in BODY_25 if name not in common} - {"neck"}
    assert (select(twice.people[0], tuple(invented)) == MISSING).all()


def test_body_25_without_its_middle_hip_and_feet_is_coco_18():
    assert [BODY_25.index(name) for name in COCO_18] == [*range(8), *range(9, 19)]
    assert [COCO_18.index(name) for name in COCO_17] == [
        0,
        15,
        14,
        17,
        16,
        5,
        2,
        6,
        3,
        7,
        4,
        11,
        8,
        12,
        9,
        13,
        10,
    ]


@pytest.mark.parametrize("names", [COCO_18, BODY_25])
def test_no_neck_is_made_for_a_set_that_has_one(names):
    points = np.ones((len(names), 3))
    points[names.index("neck"), 2] = 0.0
    np.testing.assert_array_equal(select(person_from(points, names), ("neck",)), [MISSING])


def test_the_neck_lies_between_visible_shoulders():
    points = np.zeros((17, 3))
    points[COCO_17.index("left_shoulder")] = (10, 40, 0.9)
    points[COCO_17.index("right_shoulder")] = (15, 20, 0.3)
    np.testing.assert_allclose(select(person_from(points, COCO_17), ("neck",)), [(12.5, 30, 0.3)])
    np.testing.assert_array_equal(select(person_from(points, COCO_17, 0.4), ("neck",)), [MISSING])
    assert (person_from(points, COCO_17)[:, 2] > 0).sum() == 3


def _coco(**changes):
    keypoints = [value for index in range(17) for value in (10 + index, 50 + 2 * index, 2)]
    entry = {"id": 1, "image_id": 7, "category_id": 1, "keypoints": keypoints, **changes}
    return {
        "images": [{"id": 7, "file_name": "b.jpg", "height": 100, "width": 80}],
        "annotations": [entry],
        "categories": [],
    }


def test_visibility(tmp_path):
    document = _coco()
    document["annotations"][0]["keypoints"][2] = 1  # the nose: hidden
    document["annotations"][0]["keypoints"][5] = 0  # the left eye: not there
    (image,) = read_people(_write(tmp_path, document))
    assert image.frame == (100, 80)
    np.testing.assert_array_equal(select(image.people[0], ("nose", "left_eye")), [(50, 10, 0.5), MISSING])
    np.testing.assert_array_equal(select(image.people[0], ("neck",)), [(61, 15.5, 1)])
    written = json.loads(encode_people([image], "coco17"))
    assert written["annotations"][0]["keypoints"][:6] == [10, 50, 1, 0, 0, 0]
    assert written["annotations"][0]["num_keypoints"] == 16
    assert written["annotations"][0]["bbox"] == [10, 50, 16, 32]
    assert written["images"] == [{"id": 1, "file_name": "b.jpg", "height": 100, "width": 80}]


def test_hidden_shoulders_give_no_neck(tmp_path):
    document = _coco()
    document["annotations"][0]["keypoints"][3 * 5 + 2] = 1
    (image,) = read_people(_write(tmp_path, document))
    assert select(image.people[0], ("left_shoulder",))[0, 2] == 0.5
    np.testing.assert_array_equal(select(image.people[0], ("neck",)), [MISSING])


def test_results_are_gathered_by_image(tmp_path):
    entries = [
        {"image_id": key, "category_id": 1, "score": 0.9, "keypoints": [9, 5, 0.6] * 17} for key in (3, 4, 3)
    ]
    images = read_people(_write(tmp_path, entries))
    assert [(image.name, len(image.people), image.frame) for image in images] == [
        ("3", 2, None),
        ("4", 1, None),
    ]
    numbered = _image(_person(), name="val/000000397133.jpg")
    (result,) = json.loads(encode_people([numbered], "coco17-results"))
    assert result["image_id"] == 397133
    assert result["category_id"] == 1
    found = select(numbered.people[0], COCO_17)
    assert result["keypoints"][:2] == [found[0, 1], found[0, 0]]
    assert result["score"] == pytest.approx(found[:, 2].mean(), abs=1e-4)


def test_confidence_threshold(tmp_path):
    person = _person(2)
    person[:, 2] = 0.02 + np.arange(25) / 25
    path = _write(tmp_path, encode_people([_image(person)], "body25"))
    for threshold, found in ((0.05, 24), (0.5, 13), (0.0, 25)):
        (image,) = read_people(path, threshold)
        assert (image.people[0][:, 2] > 0).sum() == found
    with pytest.raises(InputError, match="has no keypoint"):
        read_pose(path, min_confidence=0.99)


def test_frame_and_scaling(tmp_path):
    person = _person(3, lost=("nose",))
    scaled = _image(person).scaled_to((512, 176))
    assert scaled.frame == (512, 176)
    np.testing.assert_array_equal(scaled.people[0][1:], person[1:] * [2, 1, 1])
    np.testing.assert_array_equal(scaled.people[0][0], MISSING)
    assert _through(tmp_path, scaled, "coco18").frame == (512, 176)
    assert _through(tmp_path, scaled, "coco17").frame == (512, 176)
    assert _through(tmp_path, scaled, "coco17-results").frame is None
    with pytest.raises(InputError, match="contains no image size"):
        _image(person, frame=None).scaled_to((10, 10))


def test_fractions_are_pixels_where_the_size_is_told(tmp_path):
    document = {
        "people": [{"pose_keypoints_2d": [0.25, 0.5, 0.9] * 18}],
        "canvas_height": 200,
        "canvas_width": 100,
    }
    np.testing.assert_array_equal(read_pose(_write(tmp_path, document)).keypoints, [(100, 25)] * 18)
    document["people"][0]["pose_keypoints_2d"][0] = -0.25
    with pytest.raises(InputError, match="person 0 is in fractions of the image"):
        read_pose(_write(tmp_path, document))


def test_the_largest_person_is_used(tmp_path, caplog):
    near, far = _person(4), _person(5, size=(30, 20))
    far[:, 2] = 1.0  # surer, but smaller
    assert box_area(near) > box_area(far)
    path = _write(tmp_path, encode_people([_image(far, near)], "coco18"))
    np.testing.assert_array_equal(read_pose(path).keypoints, select(near, COCO_18)[:, :2])
    assert "contains 2 people: the largest, person 1, is used" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_pose(path, 0).keypoints, select(far, COCO_18)[:, :2])
    assert not caplog.text
    with pytest.raises(InputError, match="has no person -1: it contains 2, counted from 0"):
        read_pose(path, -1)


def test_the_size_of_a_person_is_an_area(tmp_path):
    flat, square = (np.full((25, 3), MISSING, np.float32) for _ in range(2))
    flat[:2], square[:2] = [(10, 10, 1), (20, 110, 1)], [(10, 10, 1), (60, 60, 1)]
    assert (box_area(flat), box_area(square)) == (1000, 2500)
    np.testing.assert_array_equal(_image(flat, square).choose(), square)


def test_one_of_several_images(tmp_path):
    images = [_image(_person(6), name="a.jpg"), _image(_person(7), name="b.jpg")]
    for kind, file in (("coco17", "all.json"), ("csv", "all.csv")):
        path = _write(tmp_path, encode_people(images, kind), file)
        assert [image.name for image in read_people(path)] == ["a.jpg", "b.jpg"]
        nose = read_pose(f"{path}#b.jpg").keypoints[0]
        np.testing.assert_array_equal(nose, images[1].people[0][0, :2])
        with pytest.raises(InputError, match=r"contains 2 .*: select"):
            read_pose(path)
        with pytest.raises(InputError, match=r"named 'c\.jpg'"):
            read_pose(f"{path}#c.jpg")


def test_csv_rows(tmp_path):
    person = np.full((25, 3), MISSING, np.float32)
    person[:4] = [(255.4, 10.5, 1), (255.7, 3.2, 1), (300, 3, 1), (-2, 5, 1)]
    images = [_image(person), _image(name="nobody.jpg")]
    text = encode_people(images, "csv").decode()
    assert text.splitlines()[1].startswith("a.jpg:[255, 255, -1, -1, -1, ")
    assert text.splitlines()[1].split(":")[2].startswith("[11, 3, -1, -1, -1, ")
    assert text.splitlines()[2] == f"nobody.jpg:{[-1] * 18}:{[-1] * 18}"
    nobody = read_people(f"{_write(tmp_path, text.encode(), 'a.csv')}#nobody.jpg")
    with pytest.raises(InputError, match=r"a.csv#nobody.jpg' has no keypoint"):
        nobody[0].choose()


def test_what_one_file_cannot_hold():
    twice = [_image(_person()), _image(_person())]
    for kind in ("csv", "coco17", "coco17-results"):
        with pytest.raises(InputError, match=r"images have the name 'a.jpg'"):
            encode_people(twice, kind)
    with pytest.raises(InputError, match="cannot be written to an annotation file"):
        encode_people([_image(_person(), name="a\nb.jpg")], "csv")
    with pytest.raises(ValueError, match="contains one image, got 2"):
        encode_people(twice, "coco18")
    with pytest.raises(ValueError, match="format must be one of"):
        encode_people(twice, "mpii")


NAN = float("nan")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"people": [{"pose_keypoints_2d": [[1]] * 54}]}, "person 0: .* holds a list at position 0"),
        ({"people": [{"pose_keypoints_2d": [True] * 54}]}, "holds a bool at position 0"),
        ({"people": [{"pose_keypoints_2d": [10**400] * 54}]}, "expected a pixel position"),
        ({"people": [{"pose_keypoints_2d": [1.0] * 10**6}]}, "has 1000000 numbers"),
        ({"people": [[1, 2]]}, "person 0 has no list 'pose_keypoints_2d'"),
        ({"people": {"a": 1}}, "no list 'people'"),
        ({"people": [{"pose_keypoints_2d": []}]}, "has no keypoint"),
        ({"annotations": 5, "images": []}, "no list 'annotations' of JSON objects"),
        ({"annotations": [], "images": {}}, "no list 'images' of JSON objects"),
        ({"annotations": [], "images": []}, "contains no image"),
        ({"annotations": [], "images": [{"id": 1}]}, "an image without 'id' or 'file_name'"),
        ({"annotations": [], "images": [{"id": 1, "file_name": "a"}] * 2}, "or two of one 'id'"),
        ({"annotations": [], "images": [{"id": [], "file_name": "a"}]}, "without 'id'"),
        ({"annotations": [], "images": [{"id": 1, "file_name": "a\ud800"}]}, "without 'id' or 'file_name'"),
        ({"annotations": [], "images": [{"id": 1, "file_name": "a" * 1001}]}, "without 'id' or 'file_name'"),
        (_coco(image_id=8), "annotation 0 belongs to no image"),
        (_coco(image_id=[]), "annotation 0 belongs to no image"),
        (_coco(keypoints=None), "annotation 0 has no list 'keypoints'"),
        (_coco(keypoints=[1] * 50), "annotation 0 has 50 numbers: expected 17 keypoints"),
        (_coco(keypoints=[1, 2, 3] * 17), "annotation 0 has a visibility other than 0, 1 and 2"),
        (_coco(keypoints=[1, NAN, 2] * 17), "annotation 0: keypoints holds nan at position 1"),
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
def test_malformed_files_end_in_one_sentence(tmp_path, document, message):
    with pytest.raises(InputError, match=message) as error:
        read_pose(_write(tmp_path, document))
    assert "pose.json" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("name", [5, "", "a\ud800", "a\nb", "a" * 1001, None])
def test_a_name_that_is_none_is_not_believed(tmp_path, name):
    document = {"people": [], "file_name": name}
    (image,) = read_people(_write(tmp_path, document, "mine_keypoints.json"))
    assert image.name == "mine"


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(keypoint_formats, "MAX_JSON_BYTES", 2**20)
    with pytest.raises(InputError, match="has 1 MiB, more than the 1 MiB that are accepted"):
        read_pose(_write(tmp_path, b" " * (2**20 + 1)))


@pytest.mark.parametrize("size", [(True, True), (0, 5), (5.5, 5), ("5", "5"), (2**21, 5), (None, None)])
def test_a_frame_that_is_none_is_not_believed(tmp_path, size):
    document = {"people": [{"pose_keypoints_2d": [9.0, 9.0, 1.0] * 18}]}
    document.update(canvas_height=size[0], canvas_width=size[1])
    assert read_pose(_write(tmp_path, document)).frame is None
