"""Tests of the plausibility of keypoints: people of all kinds of poses pass, and other orders are refused."""

import json

import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.data import SyntheticPeople
from gfla_tf.errors import InputError
from gfla_tf.pose.formats import encode_people, read_people
from gfla_tf.pose.frame import check_keypoints
from gfla_tf.pose.keypoints import ANNOTATION_HEADER, format_annotation, read_annotations
from gfla_tf.pose.known_orders import BODY_25B, HUMAN36M
from gfla_tf.pose.plausibility import check_plausible, implausibility
from gfla_tf.pose.skeleton_length import length_ratio, side_ratio
from gfla_tf.pose.skeletons import BODY_25, COCO_17, COCO_18, person_from
from tests.pose.pose_files import STANDING, make_image, swapped, write

BODY = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
EVERYTHING = ("eye", "ear", *BODY)


@pytest.fixture(scope="module")
def people():
    """Keypoints [96, 18, 2] of people in all directions, and whether they were found."""
    dataset = SyntheticPeople((96, 66), seed=5, identities={"train": 24, "test": 1})
    keypoints = dataset.as_arrays("train")["keypoints"]
    return keypoints, (keypoints >= 0).all(-1)


def _exchanged(*pairs):
    """The indices of COCO_18 with keypoints of both sides exchanged."""
    names = {}
    for one, other in pairs:
        for side in ("", "left_", "right_"):
            names |= {side + one: side + other, side + other: side + one}
    return [COCO_18.index(names.get(name, name)) for name in COCO_18]


def _standing(**moved):
    """The standing person [18, 2] (y, x), with keypoints moved to other (x, y)."""
    points = {**STANDING, "neck": (88, 64), **moved}
    return np.array([points[name][::-1] for name in COCO_18], np.float32)


def _judge(points, seen=None):
    points = np.asarray(points, np.float32).reshape(-1, 18, 2)
    return implausibility(points, np.ones(points.shape[:2], bool) if seen is None else seen)


def test_synthetic_people_are_plausible(people):
    points, found = people
    rng = np.random.default_rng(0)
    for count in (1, 2, 3, 5, 12, 40, 96):
        for _ in range(20):
            some = rng.choice(len(points), count, replace=False)
            assert implausibility(points[some], found[some]) is None
    from_behind = np.flatnonzero(~found[:, 0])
    assert len(from_behind) > 20
    assert implausibility(points[from_behind], found[from_behind]) is None


@pytest.mark.parametrize("number", [18, 25])
def test_random_positions_are_no_evidence(number):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        points = rng.integers(1, (256, 176), (1 + seed, number, 2))
        found = rng.random((1 + seed, number)) > 0.5 * (seed % 2)
        assert implausibility(points, found) is None
    assert implausibility(np.full((9, number, 2), 5.0), np.ones((9, number), bool)) is None
    assert implausibility(np.zeros((0, number, 2)), np.zeros((0, number), bool)) is None


@pytest.mark.parametrize(
    "moved",
    [
        {},
        {"left_wrist": (70, 95), "right_wrist": (106, 95)},  # crossed arms
        {"left_ankle": (74, 214), "right_ankle": (102, 214)},  # crossed legs
        {"left_knee": (72, 170), "right_knee": (104, 170), "left_ankle": (66, 214), "right_ankle": (99, 214)},
        {"left_knee": (99, 170), "left_ankle": (99, 145), "right_knee": (77, 170), "right_ankle": (77, 145)},
        {"left_elbow": (104, 34), "left_wrist": (100, 10), "right_elbow": (72, 34), "right_wrist": (76, 10)},
        {"left_knee": (120, 140), "left_ankle": (90, 150), "right_knee": (56, 140), "right_ankle": (86, 150)},
        {"left_elbow": (80, 90), "right_elbow": (96, 90), "left_wrist": (72, 70), "right_wrist": (104, 70)},
        {f"{side}_{joint}": (88 + 3 * (side == "left"), STANDING[f"{side}_{joint}"][1])  # from the side
         for side in ("left", "right") for joint in EVERYTHING},
    ],
    ids=[
        "standing", "crossed arms", "crossed legs", "crossed knees", "kneeling", "arms up", "sitting",
        "hugging", "from the side",
    ],
)  # fmt: skip
def test_poses_are_plausible_alone_and_in_a_video(moved):
    pose = _standing(**moved)
    turned = np.stack([pose, pose[:, ::-1], pose * (-1, 1) + (260, 0), pose * 0.5])
    for one in turned:
        assert _judge(one) is None
    rng = np.random.default_rng(0)
    video = pose + rng.normal(0, 1, (30, 18, 2))
    assert _judge(video) is None
    for _ in range(5):
        assert _judge(video, rng.random((30, 18)) > 0.4) is None  # not found in all images


def _in_profile(count):
    """People [count, 18, 2] in profile, with left and right keypoints close to each other."""
    rng = np.random.default_rng(0)
    heights = {"eye": 36, "ear": 38, "shoulder": 64, "elbow": 95, "wrist": 124, "hip": 126, "knee": 170}
    heights |= {"ankle": 214}
    people = []
    for number in range(count):
        at = {"eye": 96, "ear": 86, "shoulder": 88, "hip": 88, "knee": 84 + 9 * (number % 3)}
        at |= {"elbow": 80 + 9 * (number % 3), "wrist": 60 + 36 * (number % 3)}
        at |= {"ankle": 56 + 34 * (number % 3)}
        joints = {
            f"{side}_{joint}": (x + shift, heights[joint])
            for side, shift in (("left", -2), ("right", 2))
            for joint, x in at.items()
        }
        people.append(_standing(nose=(100, 40), **joints) + rng.normal(0, 0.5, (18, 2)))
    return np.stack(people)


def test_people_in_profile_are_plausible():
    """Left and right coincide, so that the skeleton is twice as long as the shortest tree."""
    for count in (3, 4, 6, 20):
        assert _judge(_in_profile(count)) is None
    order = np.random.default_rng(1).permutation(18)
    assert "do not fit their names" in _judge(_in_profile(20)[:, order])


def test_a_hidden_eye_in_profile_does_not_count_as_mirrored():
    """Of people in profile who are turned away a little, estimators guess the hidden eye and shoulder."""
    away = {
        "right_shoulder": (96, 64),
        "left_shoulder": (82, 64),
        "right_hip": (94, 126),
        "left_hip": (84, 126),
    }
    face = {"nose": (104, 40), "right_eye": (99, 36), "left_eye": (95, 36), "right_ear": (88, 38)}
    pose = _standing(**away, **face)
    seen = np.ones((10, 18), bool)
    seen[:, COCO_18.index("left_ear")] = False
    video = pose + np.random.default_rng(0).normal(0, 0.5, (10, 18, 2))
    assert _judge(video, seen) is None
    nose = COCO_18.index("nose")
    video[:, nose, 1] = 97  # a face from the front
    assert "left and right are swapped: in" in _judge(video, seen)


def test_people_from_behind_are_plausible():
    pose = _standing()[swapped(*EVERYTHING)]
    video = pose + np.random.default_rng(0).normal(0, 1, (30, 18, 2))
    seen = np.ones((30, 18), bool)
    seen[:, [COCO_18.index(name) for name in ("nose", "left_eye", "right_eye")]] = False
    assert _judge(video, seen) is None
    assert _judge(video[:2]) is None
    sure = seen.copy()  # an estimator guesses the face with a low confidence
    assert implausibility(video, np.ones_like(seen), sure) is None


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (swapped(*EVERYTHING), "left and right are swapped: in .* people whose faces are visible"),
        (swapped(*BODY), "left and right are swapped among some"),
        (swapped("eye", "ear"), "left and right are swapped among some"),
        (swapped("shoulder", "elbow", "wrist"), "left and right are swapped among some"),
        (swapped("elbow", "wrist"), "the right elbow is on the side of the left shoulder"),
        (swapped("wrist"), "the right wrist is on the side of the left elbow"),
        (swapped("hip", "knee", "ankle"), "the right hip is on the side of the left shoulder"),
        (swapped("knee", "ankle"), "the right knee is on the side of the left hip"),
        (swapped("ankle"), "the right ankle is on the side of the left knee"),
        (swapped("eye"), "the right eye is on the side of the left shoulder"),
        (_exchanged(("knee", "ankle")), "the right ankle is closer to the right hip than the right knee"),
        (_exchanged(("elbow", "wrist")), "the right wrist is closer to the right shoulder"),
        (_exchanged(("hip", "knee")), "the right knee is closer to the right shoulder than the right hip"),
        (_exchanged(("shoulder", "elbow")), "the right elbow is closer to the neck"),
        (_exchanged(("eye", "ear")), "the right ear is closer to the nose than the right eye"),
        (_exchanged(("nose", "neck")), "the neck is not between the shoulders"),
        (_exchanged(("shoulder", "hip")), "would in another order|is not between"),
        ([COCO_18.index(name) for name in (*COCO_17, "neck")], "look like COCO's 17 keypoints with a neck"),
        (list(range(17, -1, -1)), "do not fit their names, but would in another order"),
        (np.random.default_rng(1).permutation(18), "do not fit their names, but would in another order"),
    ],
)
def test_other_orders(people, order, message):
    points, found = people
    with pytest.raises(InputError, match=rf"^'a\.csv': .*{message}"):
        check_plausible(points[:, order], found[:, order], "'a.csv'")
    assert implausibility(points[:1, order], found[:1, order]) is None or "look like" in message


@pytest.mark.parametrize("joints", [EVERYTHING, ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")])
def test_swapped_copies_of_one_pose(joints):
    copies = _standing() + np.random.default_rng(0).normal(0, 0.5, (3, 18, 2))
    assert _judge(copies) is None
    assert "left and right are swapped" in _judge(copies[:, swapped(*joints)])


def _as(names, order):
    """The standing person [25, 3], whose keypoints were written in the order of `names`, read in `order`."""
    extra = {"neck": (88, 55), None: (88, 20), "mid_hip": (88, 126)}
    feet = {"left": [(105, 222), (110, 220), (100, 220)], "right": [(70, 222), (66, 220), (74, 220)]}
    for side, points in feet.items():
        extra |= dict(zip((f"{side}_big_toe", f"{side}_small_toe", f"{side}_heel"), points, strict=True))
    points = {**STANDING, **extra}
    return person_from(np.array([(*points[name][::-1], 0.9) for name in names]), order)


def test_body_25b_is_refused_by_its_name(tmp_path, capsys):
    for person in (_as(BODY_25, BODY_25), _as(COCO_18, COCO_18), _as(COCO_17, COCO_17)):
        assert implausibility(person[None, :, :2], person[None, :, 2] > 0) is None
    path = write(tmp_path, encode_people([make_image(_as(BODY_25B, BODY_25))], "body25"))
    message = r"^the pose '.*pose\.json': the keypoints look like OpenPose's BODY_25B, .* order nose, neck, "
    with pytest.raises(InputError, match=message):
        read_people(path)
    assert main(["pose", str(path), "-o", str(tmp_path / "out.json")]) == 2
    assert "look like OpenPose's BODY_25B" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (HUMAN36M, "Human3.6M's 17 joints"),
        (tuple(name for name in COCO_18 if name != "neck"), "OpenPose's 18 keypoints without the neck"),
    ],
)
def test_other_orders_in_coco_files(tmp_path, names, title):
    shifts = np.random.default_rng(0).normal(0, 12, (6, 25, 2))
    images = []
    for number, shift in enumerate(shifts):
        person = _as(names, COCO_17)
        person[:, :2] += np.where(person[:, 2:] > 0, shift, 0)
        images.append(make_image(person, name=f"{number}.jpg"))
    path = write(tmp_path, encode_people(images, "coco17-results"))
    with pytest.raises(InputError, match=f"look like {title}"):
        read_people(path)
    assert len(read_people(write(tmp_path, encode_people(images[:1], "coco17-results")))) == 1


def test_annotation_files(tmp_path, people):
    points, _ = people
    path = tmp_path / "a.csv"
    for order, message in ((range(18), None), (swapped(*EVERYTHING), "left and right are swapped")):
        rows = [format_annotation(f"{number}.jpg", row[list(order)]) for number, row in enumerate(points)]
        path.write_text("\n".join([ANNOTATION_HEADER, *rows]))
        for read in (read_annotations, read_people):
            if message is None:
                assert len(read(path)) == len(points)
                continue
            with pytest.raises(InputError, match=message):
                read(path)
            with pytest.raises(InputError, match=message):
                read_people(f"{path}#0.jpg")
    check_keypoints(points, None, "the shards")
    with pytest.raises(InputError, match=r"^the shards: left and right are swapped"):
        check_keypoints(points[:, swapped(*EVERYTHING)], None, "the shards")


def test_coco_files_with_swapped_keypoints(tmp_path):
    people = [[(x + 7 * n, y, 2) for x, y in STANDING.values()] for n in range(4)]
    entries = [
        {"image_id": n, "category_id": 1, "score": 1, "keypoints": np.ravel(person).tolist()}
        for n, person in enumerate(people)
    ]
    assert len(read_people(write(tmp_path, entries))) == 4
    order = [COCO_17.index(COCO_18[index]) for index in swapped(*EVERYTHING) if COCO_18[index] != "neck"]
    names = [name for name in COCO_18 if name != "neck"]
    for entry in entries:
        values = np.reshape(entry["keypoints"], (17, 3))
        mirrored = {name: values[index] for name, index in zip(names, order, strict=True)}
        entry["keypoints"] = np.ravel([mirrored[name] for name in COCO_17]).tolist()
    with pytest.raises(InputError, match="left and right are swapped: in 4 of 4 people"):
        read_people(write(tmp_path, entries))
    assert read_people(write(tmp_path, json.dumps(entries[:1]).encode()))


def test_length_ratio():
    line = np.zeros((1, 25, 2))
    line[0, :, 1] = np.arange(25)
    assert length_ratio(line, np.ones((1, 25), bool)) > 2
    person = _as(BODY_25, BODY_25)[None]
    assert 1 <= length_ratio(person[..., :2], person[..., 2] > 0) < 1.5
    few = np.zeros((1, 25), bool)
    few[0, :7] = True
    assert np.isnan(length_ratio(line, few))
    assert np.isnan(side_ratio(line, few & (np.arange(25) < 5)))
    profile = np.zeros((1, 25, 2))
    profile[:, [BODY_25.index(name) for name in COCO_18]] = _in_profile(1)
    seen = profile.any(-1)
    assert length_ratio(profile, seen) > 1.9
    assert 1 <= side_ratio(profile, seen) < 1.4


def test_arguments():
    with pytest.raises(ValueError, match=r"points must be .*, got shape \(1, 17, 2\)"):
        implausibility(np.zeros((1, 17, 2)), np.zeros((1, 17), bool))
