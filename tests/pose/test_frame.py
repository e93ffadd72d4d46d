"""Tests of keypoints outside their frame."""

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose.formats import encode_people, read_people, read_pose
from gfla_tf.pose.frame import check_keypoints, check_size, keep_inside
from gfla_tf.pose.source import read_input
from tests.pose.pose_files import make_image, upright, write


def _points(*points):
    return np.array([*points, *[(-1.0, -1.0)] * (18 - len(points))], np.float32)


def test_keep_inside(caplog):
    points = _points((5, 5), (3, 4), (9, 10), (-4, 2))
    kept = keep_inside(points, (10, 10), "p")
    assert (kept >= 0).all(-1).tolist() == [True, True] + [False] * 16
    assert "2 keypoint(s)" in caplog.text
    with pytest.raises(InputError, match=r"'p' is entirely outside its frame of 3 x 3"):
        keep_inside(points, (3, 3), "p")
    with pytest.raises(
        InputError, match=r"'p' has 3 of 4 keypoints outside its frame of 5 x 5 pixels \(h x w"
    ):
        keep_inside(points, (5, 5), "p")
    with pytest.raises(InputError, match=r"'p' has no keypoint"):
        keep_inside(_points(), (5, 5), "p")


@pytest.mark.parametrize(
    ("frame", "maybe_swapped", "message"),
    [
        ((176, 256), False, None),  # two ankles are below the image
        ((176, 256), True, "has 2 of 18 keypoints .*fit 256 x 176, so height and width may be swapped"),
        ((100, 256), False, None),
        ((88, 256), False, "has 10 of 18 keypoints .*: give the size"),
        ((60, 60), False, "is entirely outside its frame of 60 x 60 .*: give the size"),
        ((256, 176), True, None),
        ((220, 120), True, None),
    ],
)
def test_frames_with_most_keypoints_outside_are_refused(frame, maybe_swapped, message):
    if message is None:
        keep_inside(upright(), frame, "p", maybe_swapped)
    else:
        with pytest.raises(InputError, match=message):
            keep_inside(upright(), frame, "p", maybe_swapped)


def test_the_swapped_order_is_named_if_it_fits():
    tall = upright() * np.float32((4, 1))
    with pytest.raises(InputError, match=r"they fit 1024 x 176, so height and width may be swapped"):
        keep_inside(tall, (176, 1024), "p")
    with pytest.raises(InputError, match=r"pixels .h x w.: give the size"):
        keep_inside(tall, (176, 176), "p")


def test_pose_files_in_another_frame(tmp_path):
    tall = np.concatenate([upright() * np.float32((4, 1)), np.ones((18, 1))], -1)
    person = np.full((25, 3), (-1, -1, 0), np.float32)
    person[:18] = tall
    for kind in ("coco18", "body25", "coco17"):
        path = write(tmp_path, encode_people([make_image(person, frame=(176, 1024))], kind))
        for read in (read_people, read_pose):
            with pytest.raises(InputError, match=r"pose.json' has .* they fit 1024 x 176"):
                read(path)
        assert read_pose(path, frame=(1024, 176)).frame == (1024, 176)
        assert read_input(str(path), 0.05, (1024, 176), None)[0].posed.frame == (1024, 176)
    path = write(tmp_path, encode_people([make_image(person, frame=None)], "coco18"))
    assert read_pose(path).frame is None
    with pytest.raises(InputError, match=r"they fit 1024 x 176"):
        read_input(str(path), 0.05, (176, 1024), None)


def test_keypoints_of_datasets():
    rows = np.stack([upright(), upright() + 1, _points()])
    check_keypoints(rows, (256, 176), "a.csv")
    check_keypoints(rows, None, "a.csv")
    with pytest.raises(InputError, match=r"^a.csv has .* of 128 x 64 .*: scale the keypoints to this frame$"):
        check_keypoints(rows, (128, 64), "a.csv")


@pytest.mark.parametrize(
    "size", [("704", "512"), (0, 5), (5.5, 5), (5,), 5, "55", (True, 5), (float("nan"), 5)]
)
def test_sizes_are_whole_numbers_or_refused(size):
    assert check_size((704.0, np.int64(5)), "source_frame") == (704, 5)
    with pytest.raises(ValueError, match=r"^source_frame must be"):
        check_size(size, "source_frame")


def test_frames_of_posed_images():
    image = make_image(frame=(704.0, np.int64(512)))
    assert image.frame == (704, 512)
    assert [type(side) for side in image.frame] == [int, int]
    for frame in (("704", "512"), (0, 5)):
        with pytest.raises(ValueError, match=r"^the frame of 'a\.jpg' must be a whole number of pixels"):
            make_image(frame=frame)
        with pytest.raises(ValueError, match=r"^the frame of 'a\.jpg' must be a whole number of pixels"):
            image.scaled_to(frame)
