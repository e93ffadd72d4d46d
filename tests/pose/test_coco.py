"""The categories of COCO files: keypoints by their names, and people among other categories."""

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose.coco_categories import canonical_name
from gfla_tf.pose.formats import read_people, read_pose
from gfla_tf.pose.skeletons import BODY_25, COCO_17, select
from tests.pose.pose_files import MISSING, STANDING, write

SWAPPED = tuple(name.replace("left", "x").replace("right", "left").replace("x", "right") for name in COCO_17)


def _annotation(names=COCO_17, category=1, scale=1.0, number=1):
    """The standing person with its keypoints in the order `names`; other names are at (5, 5)."""
    points = [(*STANDING.get(name, (5, 5)), 2) for name in names]
    values = [value for x, y, seen in points for value in (x * scale, y * scale, seen)]
    return {"id": number, "image_id": 7, "category_id": category, "keypoints": values}


def _document(annotations, categories):
    image = {"id": 7, "file_name": "b.jpg", "height": 256, "width": 176}
    return {"images": [image], "annotations": annotations, "categories": categories}


def _category(names=COCO_17, name="person", number=1, **more):
    return {"id": number, "name": name, "keypoints": list(names), **more}


def _people(tmp_path, document):
    (image,) = read_people(write(tmp_path, document))
    return image.people


def _check_standing(person):
    points = select(person, COCO_17)[:, 1::-1]
    np.testing.assert_array_equal(points, [STANDING[name] for name in COCO_17])


def test_bounding_boxes_have_an_empty_list_of_keypoints(tmp_path):
    box = {**_annotation(number=2), "keypoints": []}
    for annotations in ([_annotation(), box], [box, _annotation()]):
        (person,) = _people(tmp_path, _document(annotations, [_category()]))
        _check_standing(person)
    with pytest.raises(InputError, match="no annotation with a list 'keypoints'"):
        _people(tmp_path, _document([box], [_category()]))


@pytest.mark.parametrize(
    "names",
    [
        COCO_17,
        SWAPPED,
        COCO_17[::-1],
        (*COCO_17, "face-0", "left_hand_root", "4"),
        ("neck", *COCO_17),
        tuple(name for name in BODY_25 if name != "neck"),
    ],
    ids=["coco", "swapped", "reversed", "whole body", "neck", "body 25"],
)
def test_keypoints_by_their_names(tmp_path, names):
    (person,) = _people(tmp_path, _document([_annotation(names)], [_category(names)]))
    _check_standing(person)
    neck = (5, 5, 1) if "neck" in names else (64, 88, 1)
    np.testing.assert_array_equal(select(person, ("neck",)), [neck])
    expected = (5, 5, 1) if "left_heel" in names else MISSING
    np.testing.assert_array_equal(select(person, ("left_heel",)), [expected])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, "left_eye") for name in ("left_eye", "Left Eye", "LEFT-EYE", "leftEye", "lefteye", "L_Eye")],
        *[(name, "left_eye") for name in ("LEye", "eye_l", "Eye.Left", "left  eye")],
        *[("RBigToe", "right_big_toe"), ("Nose", "nose"), ("MidHip", "mid_hip"), ("NECK", "neck")],
        *[(name, None) for name in ("eye", "a0", "left_eye_1", "head", "left", "", "lefteye2", "œil")],
    ],
)
def test_spellings_of_names(name, expected):
    assert canonical_name(name) == expected


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ([_category(), _category([f"a{n}" for n in range(17)], "dog", 2)], 1),
        ([_category(), _category(COCO_17, "dog", 2)], 1),
        ([_category(), _category(COCO_17, "mannequin", 2)], 1),
        ([{"id": 1, "name": "Person"}, _category(COCO_17, "dog", 2)], 1),
        ([_category(name="player"), _category(COCO_17, "dog", 2)], 1),
        ([_category(name="player"), _category(COCO_17, "llama", 2, supercategory="animal")], 1),
        ([_category(name="player"), _category([f"a{n}" for n in range(17)], "car", 2)], 1),
        ([_category(name="player"), _category(name="referee", number=2)], 2),
    ],
)
def test_other_categories_are_no_people(tmp_path, categories, expected):
    annotations = [_annotation(), _annotation(category=2, scale=2.0, number=2)]
    people = _people(tmp_path, _document(annotations, categories))
    assert len(people) == expected
    _check_standing(people[0])


def test_bounding_boxes_are_skipped(tmp_path):
    box = {"id": 2, "image_id": 7, "bbox": [1, 2, 3, 4]}
    categories = [_category(), {"id": 2, "name": "handbag"}]
    boxes = [{**box, "category_id": key} for key in (1, 2)]
    (person,) = _people(tmp_path, _document([*boxes, _annotation()], categories))
    _check_standing(person)
    separate = [{"id": 1, "name": "person"}, _category(name="pose", number=2)]
    (person,) = _people(tmp_path, _document([boxes[0], _annotation(category=2)], separate))
    _check_standing(person)
    with pytest.raises(InputError, match="has no annotation with a list 'keypoints'"):
        read_people(write(tmp_path, _document(boxes, categories)))


def test_whole_floats_are_ids(tmp_path):
    annotation = {**_annotation(), "image_id": 7.0, "category_id": 1.0}
    for document in (
        _document([annotation], [_category(number=1.0)]),
        [annotation, {**annotation, "image_id": 7}],
    ):
        (image,) = read_people(write(tmp_path, document))
        _check_standing(image.people[0])
    assert image.name == "7"
    assert len(image.people) == 2


def test_results_of_several_categories(tmp_path):
    entries = [{**_annotation(category=key, scale=key), "score": 0.9} for key in (2, 1)]
    _check_standing(_people(tmp_path, entries)[0])
    assert len(_people(tmp_path, [{**entry, "category_id": 3} for entry in entries])) == 2
    with pytest.raises(InputError, match="contains the categories 2, 3 without a list 'categories'"):
        read_people(write(tmp_path, [entries[0], {**entries[1], "category_id": 3}]))


@pytest.mark.parametrize(
    ("annotation", "categories", "message"),
    [
        (
            {},
            [_category(["a", *COCO_17[1:]])],
            r"'person', lacks the keypoints 'nose' and has 'a', .* nose",
        ),
        ({}, [_category(COCO_17[:16])], "lacks the keypoints 'right_ankle': known are nose, neck"),
        ({}, [_category(["Nose", *COCO_17])], "lists the keypoint 'nose' twice"),
        ({}, [_category(BODY_25)], "annotation 0 has 51 numbers: expected 25 keypoints"),
        ({}, [_category(["tail"] * 17, "thing")], "'thing', lacks the keypoints 'nose', 'left_eye'"),
        ({}, [{"id": 1, "name": "athlete"}], "'athlete', none of which has the keypoints of a person"),
        ({"category_id": 2}, [_category()], "annotation 0 belongs to no category of the file"),
        ({"category_id": None}, [_category()], "annotation 0 belongs to no category of the file"),
        ({}, [5], "has no list 'categories' of JSON objects"),
        ({}, {"id": 1}, "has no list 'categories' of JSON objects"),
        ({}, [{"name": "person"}], "lists a category without 'id'"),
        ({}, [_category(), _category()], "two of one 'id'"),
        ({}, [{"id": 1, "name": "person", "keypoints": "nose"}], "has no list 'keypoints' of names"),
    ],
)
def test_categories_that_cannot_be_used(tmp_path, annotation, categories, message):
    document = _document([{**_annotation(), **annotation}], categories)
    with pytest.raises(InputError, match=message) as error:
        read_pose(write(tmp_path, document))
    assert "pose.json" in str(error.value)
    assert "\n" not in str(error.value)
