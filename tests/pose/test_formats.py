"""Tests of reading and writing pose files, and of conversion between all formats."""

import json
import logging

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose.formats import FORMATS, encode_people, read_people, read_pose
from gfla_tf.pose.skeletons import BODY_25, COCO_17, COCO_18, box_area, person_from, select
from tests.pose.pose_files import MISSING, coco, make_image, make_person, through, write

KEPT = {"coco18": COCO_18, "body25": BODY_25, "coco17": COCO_17, "coco17-results": COCO_17, "csv": COCO_18}


EXACT = ("coco18", "body25", "coco17-results")


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_keeps_its_keypoints(tmp_path, kind):
    person = make_person(lost=("left_wrist", "right_ear", "left_heel"))
    read = through(tmp_path, make_image(person), kind)
    expected = person_from(select(person, KEPT[kind]), KEPT[kind])
    np.testing.assert_array_equal(read.people[0][:, :2], expected[:, :2])
    np.testing.assert_array_equal(read.people[0][:, 2] > 0, expected[:, 2] > 0)
    if kind in EXACT:
        np.testing.assert_allclose(read.people[0][:, 2], expected[:, 2], atol=1e-4)
    assert read.name == "a.jpg"


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
def test_conversion_between_all_formats(tmp_path, first, second):
    person = make_person(1, lost=("right_knee", "mid_hip"))
    once = through(tmp_path, make_image(person), first, 1)
    twice = through(tmp_path, once, second, 2)
    common = [name for name in BODY_25 if name in KEPT[first] and name in KEPT[second]]
    np.testing.assert_array_equal(select(twice.people[0], common)[:, :2], select(person, common)[:, :2])
    invented = {name for name in BODY_25 if name not in common} - {"neck"}
    assert (select(twice.people[0], tuple(invented)) == MISSING).all()


def test_coco_18_is_body_25_without_middle_hip_and_feet():
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
def test_no_neck_is_derived_for_sets_with_a_neck(names):
    points = np.ones((len(names), 3))
    points[names.index("neck"), 2] = 0.0
    np.testing.assert_array_equal(select(person_from(points, names), ("neck",)), [MISSING])


def test_the_neck_is_between_visible_shoulders():
    points = np.zeros((17, 3))
    points[COCO_17.index("left_shoulder")] = (10, 40, 0.9)
    points[COCO_17.index("right_shoulder")] = (15, 20, 0.3)
    np.testing.assert_allclose(select(person_from(points, COCO_17), ("neck",)), [(12.5, 30, 0.3)])
    np.testing.assert_array_equal(select(person_from(points, COCO_17, 0.4), ("neck",)), [MISSING])
    assert (person_from(points, COCO_17)[:, 2] > 0).sum() == 3


def test_visibility(tmp_path):
    document = coco()
    document["annotations"][0]["keypoints"][2] = 1  # the nose: hidden
    document["annotations"][0]["keypoints"][5] = 0  # the left eye: not there
    (image,) = read_people(write(tmp_path, document))
    assert image.frame == (100, 80)
    np.testing.assert_array_equal(select(image.people[0], ("nose", "left_eye")), [(50, 10, 0.5), MISSING])
    np.testing.assert_array_equal(select(image.people[0], ("neck",)), [(61, 15.5, 1)])
    written = json.loads(encode_people([image], "coco17"))
    assert written["annotations"][0]["keypoints"][:6] == [10, 50, 1, 0, 0, 0]
    assert written["annotations"][0]["num_keypoints"] == 16
    assert written["annotations"][0]["bbox"] == [10, 50, 16, 32]
    assert written["images"] == [{"id": 1, "file_name": "b.jpg", "height": 100, "width": 80}]


def test_hidden_shoulders_give_no_neck(tmp_path):
    document = coco()
    document["annotations"][0]["keypoints"][3 * 5 + 2] = 1
    (image,) = read_people(write(tmp_path, document))
    assert select(image.people[0], ("left_shoulder",))[0, 2] == 0.5
    np.testing.assert_array_equal(select(image.people[0], ("neck",)), [MISSING])


def test_results_are_grouped_by_image(tmp_path):
    entries = [
        {"image_id": key, "category_id": 1, "score": 0.9, "keypoints": [9, 5, 0.6] * 17} for key in (3, 4, 3)
    ]
    images = read_people(write(tmp_path, entries))
    assert [(image.name, len(image.people), image.frame) for image in images] == [
        ("3", 2, None),
        ("4", 1, None),
    ]
    numbered = make_image(make_person(), name="val/000000397133.jpg")
    (result,) = json.loads(encode_people([numbered], "coco17-results"))
    assert result["image_id"] == 397133
    assert result["category_id"] == 1
    found = select(numbered.people[0], COCO_17)
    assert result["keypoints"][:2] == [found[0, 1], found[0, 0]]
    assert result["score"] == pytest.approx(found[:, 2].mean(), abs=1e-4)


def test_confidence_threshold(tmp_path):
    person = make_person(2)
    person[:, 2] = 0.02 + np.arange(25) / 25
    path = write(tmp_path, encode_people([make_image(person)], "body25"))
    for threshold, found in ((0.05, 24), (0.5, 13), (0.0, 25)):
        (image,) = read_people(path, threshold)
        assert (image.people[0][:, 2] > 0).sum() == found
    with pytest.raises(InputError, match="has no keypoint"):
        read_pose(path, min_confidence=0.99)


def test_frame_and_scaling(tmp_path):
    person = make_person(3, lost=("nose",))
    scaled = make_image(person).scaled_to((512, 176))
    assert scaled.frame == (512, 176)
    np.testing.assert_array_equal(scaled.people[0][1:], person[1:] * [2, 1, 1])
    np.testing.assert_array_equal(scaled.people[0][0], MISSING)
    assert through(tmp_path, scaled, "coco18").frame == (512, 176)
    assert through(tmp_path, scaled, "coco17").frame == (512, 176)
    assert through(tmp_path, scaled, "coco17-results").frame is None
    with pytest.raises(InputError, match="contains no image size"):
        make_image(person, frame=None).scaled_to((10, 10))


def test_fractions_of_an_image_of_known_size(tmp_path):
    document = {
        "people": [{"pose_keypoints_2d": [0.25, 0.5, 0.9] * 18}],
        "canvas_height": 200,
        "canvas_width": 100,
    }
    np.testing.assert_array_equal(read_pose(write(tmp_path, document)).keypoints, [(100, 25)] * 18)
    document["people"][0]["pose_keypoints_2d"][0] = -0.25
    np.testing.assert_array_equal(read_pose(write(tmp_path, document)).keypoints[:2], [(100, -25), (100, 25)])


def test_the_largest_person_is_used(tmp_path, caplog):
    near, far = make_person(4), make_person(5, size=(30, 20))
    far[:, 2] = 1.0  # surer, but smaller
    assert box_area(near) > box_area(far)
    path = write(tmp_path, encode_people([make_image(far, near)], "coco18"))
    np.testing.assert_array_equal(read_pose(path).keypoints, select(near, COCO_18)[:, :2])
    assert "contains 2 people: the largest, person 1, is used" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_pose(path, 0).keypoints, select(far, COCO_18)[:, :2])
    assert not caplog.text
    with pytest.raises(InputError, match="has no person -1: it contains 2, counted from 0"):
        read_pose(path, -1)


def test_the_largest_person_has_the_largest_box(tmp_path):
    flat, square = (np.full((25, 3), MISSING, np.float32) for _ in range(2))
    flat[:2], square[:2] = [(10, 10, 1), (20, 110, 1)], [(10, 10, 1), (60, 60, 1)]
    assert (box_area(flat), box_area(square)) == (1000, 2500)
    np.testing.assert_array_equal(make_image(flat, square).choose(), square)


def test_one_of_several_images(tmp_path):
    images = [make_image(make_person(6), name="a.jpg"), make_image(make_person(7), name="b.jpg")]
    for kind, file in (("coco17", "all.json"), ("csv", "all.csv")):
        path = write(tmp_path, encode_people(images, kind), file)
        assert [image.name for image in read_people(path)] == ["a.jpg", "b.jpg"]
        nose = read_pose(f"{path}#b.jpg").keypoints[0]
        np.testing.assert_array_equal(nose, images[1].people[0][0, :2])
        with pytest.raises(InputError, match=r"contains 2 .*: select"):
            read_pose(path)
        with pytest.raises(InputError, match=r"named 'c\.jpg'"):
            read_pose(f"{path}#c.jpg")


def test_a_list_of_frames(tmp_path):
    frames = [json.loads(encode_people([make_image(make_person(seed))], "coco18")) for seed in range(3)]
    for frame in frames[:2]:
        del frame["file_name"]
    frames[1]["people"] = []
    path = write(tmp_path, frames, "clip_keypoints.json")
    read = read_people(path)
    assert [(image.name, len(image.people)) for image in read] == [
        ("clip_0000", 1),
        ("clip_0001", 0),
        ("a.jpg", 1),
    ]
    nose = select(make_person(2), ("nose",))[0, :2]
    np.testing.assert_array_equal(read_pose(f"{path}#a.jpg").keypoints[0], nose)
    with pytest.raises(InputError, match=r"3 images: select one with .*#NAME', such as NAME = 'clip_0000'"):
        read_pose(path)
    with pytest.raises(InputError, match="clip_0001' contains no person"):
        read_pose(f"{path}#clip_0001")
    for document, message in (
        ([frames[0], {}], "frame 1 has no list 'people'"),
        ([frames[2], frames[2]], "frame 1: the name 'a.jpg' occurs twice"),
        ([frames[0], {"people": [{"pose_keypoints_2d": [1.0]}]}], "frame 1', person 0 has 1 numbers"),
    ):
        with pytest.raises(InputError, match=message):
            read_people(write(tmp_path, document))


def test_csv_rows(tmp_path):
    person = np.full((25, 3), MISSING, np.float32)
    person[:4] = [(255.4, 10.5, 1), (255.7, 3.2, 1), (300, 3, 1), (-2, 5, 1)]
    images = [make_image(person), make_image(name="nobody.jpg")]
    text = encode_people(images, "csv").decode()
    assert text.splitlines()[1].startswith("a.jpg:[255, 255, -1, -1, -1, ")
    assert text.splitlines()[1].split(":")[2].startswith("[11, 3, -1, -1, -1, ")
    assert text.splitlines()[2] == f"nobody.jpg:{[-1] * 18}:{[-1] * 18}"
    nobody = read_people(f"{write(tmp_path, text.encode(), 'a.csv')}#nobody.jpg")
    with pytest.raises(InputError, match=r"a.csv#nobody.jpg' has no keypoint"):
        nobody[0].choose()


def test_images_that_cannot_be_written():
    twice = [make_image(make_person()), make_image(make_person())]
    for kind in ("csv", "coco17", "coco17-results"):
        with pytest.raises(InputError, match=r"images have the name 'a.jpg'"):
            encode_people(twice, kind)
    with pytest.raises(InputError, match="cannot be written to an annotation file"):
        encode_people([make_image(make_person(), name="a\nb.jpg")], "csv")
    with pytest.raises(ValueError, match="contains one image, got 2"):
        encode_people(twice, "coco18")
    with pytest.raises(ValueError, match="format must be one of"):
        encode_people(twice, "mpii")
