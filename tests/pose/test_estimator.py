"""The pose estimator, compared with known positions by networks that find colored dots."""

import sys

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose import PoseEstimator, find_pose
from gfla_tf.pose.skeletons import COCO_17, COCO_18, select
from tests.images.pictures import jpeg
from tests.pose import planted
from tests.pose import tiny_onnx as onnx

planted.require_onnxruntime()


@pytest.fixture
def load(tmp_path):
    """A function from the bytes of a network to an estimator."""

    def load(data, **options):
        path = tmp_path / "network.onnx"
        path.write_bytes(data)
        return PoseEstimator(path, **options)

    return load


@pytest.fixture(scope="module")
def estimator(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "rtmo.onnx"
    path.write_bytes(planted.network())
    return PoseEstimator(path)


def _positions(size, seed=0):
    """Whole positions (y, x) of the 17 keypoints, apart from each other and from the edge."""
    cells = np.random.default_rng(seed).permutation(36)[:17]
    return ((np.stack([cells // 4, cells % 4], -1) + 0.5) * size / (9, 4)).astype(int)


def _named(positions):
    return dict(zip(COCO_17, positions, strict=True))


SIZES = [(640, 640), (300, 240), (256, 176), (250, 700), (1281, 963), (2400, 1700), (160, 100)]


@pytest.mark.parametrize("size", SIZES)
def test_positions_are_mapped_to_the_photograph(estimator, size):
    positions, step = _positions(size), max(1.0, max(size) / 640)
    found = estimator(planted.photograph(size, [_named(positions)], max(3, round(6 * step))), "a.png")
    assert (found.name, found.frame, len(found.people)) == ("a.png", size, 1)
    points = select(found.people[0], COCO_17)
    np.testing.assert_allclose(points[:, :2], positions, atol=0.3 * step)
    assert (points[:, 2] == 1).all()
    shoulders = positions[[COCO_17.index("left_shoulder"), COCO_17.index("right_shoulder")]]
    neck, hip, heel = select(found.people[0], ("neck", "mid_hip", "left_heel"))
    np.testing.assert_allclose(neck, (*shoulders.mean(0), 1), atol=0.3 * step)
    assert hip[2] == heel[2] == 0


def test_networks_of_any_size_and_of_half_precision(load):
    positions = _positions((300, 240))
    picture = planted.photograph((300, 240), [_named(positions)])
    for options in ({"size": ("height", "width")}, {"half": True}, {"size": (416, 384)}):
        points = select(load(planted.network(**options))(picture, "a").people[0], COCO_17)
        np.testing.assert_allclose(points[:, :2], positions, atol=0.4)


def test_the_padding_is_gray(load):
    # The network gives the darkest value as x, y and confidence of all keypoints.
    shape = onnx.tensor("shape", np.array([1, 1, 17, 3], np.int64))
    boxes = onnx.tensor("boxes", np.array([[[0, 0, 9, 9, 0.9]]], np.float32))
    nodes = [
        onnx.node("ReduceMin", ["input"], ["darkest"], keepdims=0),
        onnx.node("Expand", ["darkest", "shape"], ["keypoints"]),
        onnx.node("Identity", ["boxes"], ["dets"]),
    ]
    outputs = [onnx.value_info("dets", [1, 1, 5]), onnx.value_info("keypoints", [1, 1, 17, 3])]
    network = onnx.model(nodes, [shape, boxes], [onnx.value_info("input", [1, 3, 640, 640])], outputs)
    (person,) = load(network)(np.full((640, 636, 3), 200, np.uint8), "a").people
    np.testing.assert_array_equal(select(person, ("nose",)), [(114, 112, 114)])


def test_keypoints_that_are_not_found_are_missing(estimator):
    (person,) = estimator(
        planted.photograph((200, 200), [{"nose": (50, 60), "left_shoulder": (90, 80)}]), "a"
    ).people
    found = select(person, COCO_18)
    assert np.flatnonzero(found[:, 2]).tolist() == [COCO_18.index("nose"), COCO_18.index("left_shoulder")]
    assert (found[found[:, 2] == 0] == (-1, -1, 0)).all()


def test_the_largest_person_comes_first(estimator, tmp_path):
    near = {"nose": (40, 200), "left_ankle": (280, 140), "right_ankle": (280, 220)}
    far = {"nose": (40, 40), "left_ankle": (90, 30), "right_ankle": (90, 60)}
    picture = planted.photograph((300, 260), [far, near])
    people = estimator(picture, "a").people
    np.testing.assert_allclose(
        [select(one, ("nose",))[0, :2] for one in people], [(40, 200), (40, 40)], atol=0.3
    )
    (tmp_path / "photo").write_bytes(jpeg(planted.photograph((300, 260), [far, near])))
    pose = find_pose(tmp_path / "photo", lambda: lambda photo, name: estimator(picture, name), person=1)
    np.testing.assert_allclose(pose.keypoints[0], (40, 40), atol=0.3)
    assert (pose.frame, pose.name) == ((300, 260), str(tmp_path / "photo"))


def test_no_person(estimator):
    assert estimator(planted.photograph((200, 200), []), "a").people == ()


PICTURE = planted.photograph((200, 200), [{"nose": (50, 60)}, {"nose": (90, 60)}])


def test_low_scores_are_dropped(load):
    for scores, count in (((0.9, 0.31), 2), ((0.9, 0.29), 1), ((0.1, 0.2), 0), ((np.nan, 0.9), 1)):
        assert len(load(planted.network(scores=scores))(PICTURE, "a").people) == count


def test_non_maximum_suppression(load):
    (person,) = load(planted.network(scores=(0.5, 0.9), apart=False))(PICTURE, "a").people
    np.testing.assert_allclose(select(person, ("nose",))[0, :2], (90, 60), atol=0.3)


def _one_person(*points):
    """Outputs with one person, whose first keypoints are `points` (x, y, confidence), the others missing."""
    keypoints = np.tile(np.array([99.0, 99.0, 0.0]), (1, 1, 17, 1))
    keypoints[0, 0, : len(points)] = points
    return {"dets": np.array([[[0, 0, 50, 50, 0.9]]]), "keypoints": keypoints}


ODD = (np.nan, np.inf, -np.inf)


def test_positions_outside_the_photograph_are_missing(load):
    # A photograph of 100 x 200 (h x w) fills rows 160 .. 480 of the input, in steps of 3.2.
    network = planted.recorded(
        _one_person(
            (320, 320, 0.9),
            (320, 150, 0.9),
            (700, 320, 0.9),
            (np.nan, 320, 0.9),
            (0, 160, 0.9),
            *((320, 320, odd) for odd in ODD),
        )
    )
    (person,) = load(network)(np.zeros((100, 200, 3), np.uint8), "a").people
    found = select(person, COCO_17)
    assert np.flatnonzero(found[:, 2]).tolist() == [0, 4]
    np.testing.assert_allclose(found[[0, 4], :2], [(49.65625, 99.65625), (0, 0)])


def test_confidence_threshold(load):
    network = planted.recorded(_one_person((320, 320, 0.31), (330, 330, 0.29), (340, 340, 0.6)))
    for options, kept in (({}, [0, 2]), ({"min_confidence": 0.5}, [2]), ({"min_confidence": 0.0}, [0, 1, 2])):
        (person,) = load(network, **options)(np.zeros((64, 64, 3), np.uint8), "a").people
        assert np.flatnonzero(select(person, COCO_17)[:, 2]).tolist() == kept
    assert load(network, min_confidence=0.9)(np.zeros((64, 64, 3), np.uint8), "a").people == ()


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            {"simcc_x": np.zeros((1, 17, 384)), "simcc_y": np.zeros((1, 17, 512))},
            "not an RTMO network: .* 'simcc_x', 'simcc_y'",
        ),
        ({"dets": np.zeros((1, 2, 5)), "keypoints": np.zeros((1, 2, 14, 3))}, "shapes .*14, 3"),
        ({"dets": np.zeros((1, 2, 5)), "keypoints": np.zeros((1, 3, 17, 3))}, "expected .1, n, 5"),
        ({"dets": np.zeros((2, 5)), "keypoints": np.zeros((1, 2, 17, 3))}, "expected .1, n, 5"),
    ],
)
def test_other_networks_are_refused(load, outputs, message):
    with pytest.raises(InputError, match=message) as error:
        load(planted.recorded(outputs))(PICTURE, "a")
    assert "network.onnx" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_failing_network(load):
    shape = onnx.tensor("shape", np.array([1, 7, 5], np.int64))
    nodes = [onnx.node("Reshape", ["input", "shape"], [name]) for name in ("dets", "keypoints")]
    outputs = [onnx.value_info(name, [1, 7, 5]) for name in ("dets", "keypoints")]
    network = onnx.model(nodes, [shape], [onnx.value_info("input", [1, 3, "height", "width"])], outputs)
    with pytest.raises(InputError, match=r"network\.onnx' fails on 'a\.png'") as error:
        load(network)(PICTURE, "a.png")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"hello", planted.network()[:200], b"\xff" * 1000])
def test_files_without_a_network(load, data):
    with pytest.raises(InputError, match="is not an ONNX file, or is damaged"):
        load(data)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"gfla-tf\[pose\]"):
        PoseEstimator("network.onnx")
