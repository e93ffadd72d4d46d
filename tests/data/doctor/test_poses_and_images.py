"""Tests of the detection of identities, frames and padding."""

import numpy as np
import pytest

from gfla_tf.data import SyntheticPeople
from gfla_tf.data.doctor.frames import judge_axes, judge_frame
from gfla_tf.data.doctor.padding import has_side_bars
from gfla_tf.data.doctor.pairs import identity

SIZE = (64, 44)


def test_identities():
    names = {
        "fashionWOMENDressesid0000262902_1front.jpg": "WOMENDressesid00002629",
        "fashionMENTees_Tanksid0000000101_7additional.png": "MENTees_Tanksid00000001",
        "0002_c1s1_000451_03.jpg": "0002",
        "0000_c1s1_000451_03.jpg": None,
        "-1_c1s1_000451_03.jpg": None,
        "holiday.jpg": None,
    }
    assert {name: identity(name) for name in names} == names


@pytest.fixture(scope="module")
def points():
    """Keypoints [24, 18, 2] of clean_folder people, in a frame of 256 x 176."""
    clean_folder = SyntheticPeople(SIZE, identities={"train": 6}).as_arrays("train")["keypoints"]
    return np.where(clean_folder < 0, -1, np.rint(clean_folder * 4))


def test_detection_of_frames(points):
    square = np.where(points < 0, -1, points * (1, 256 / 176))
    padded = np.where(points < 0, -1, points + np.array([0, 40]))
    assert judge_frame(points, (256, 176)) is None
    assert judge_frame(square, (256, 256)) is None
    for wider in (square, padded):
        assert "in pixels of 256 x 256 (h x w)" in judge_frame(wider, (256, 176))
    assert "in pixels of 256 x 176 (h x w)" in judge_frame(points, (256, 256))
    assert judge_axes(points, (256, 176)) is None
    assert "is horizontal in" in judge_axes(points[..., ::-1], (256, 176))


def test_frames_are_robust_to_outliers(points):
    points = points.copy()
    points[:5] = np.where(points[:5] < 0, -1, points[:5, :, ::-1])
    points[5:9] = np.where(points[5:9] < 0, -1, points[5:9] * (1, 1.45))
    assert judge_frame(points, (256, 176)) is None
    assert judge_axes(points, (256, 176)) is None
    assert judge_frame(points[:0], (256, 176)) is None
    assert judge_axes(points[:0], (256, 176)) is None


def test_side_bars():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (64, 44, 3), np.uint8)
    padded = np.full((64, 64, 3), 255, np.uint8)
    padded[:, 10:54] = picture
    assert has_side_bars(padded, 44 / 64)
    assert not has_side_bars(picture, 44 / 64)
    assert not has_side_bars(np.full((64, 64, 3), 255, np.uint8), 44 / 64)
    uneven = padded.copy()
    uneven[:, :10] = np.linspace(255, 235, 64)[:, None, None]
    assert not has_side_bars(uneven, 44 / 64)
    narrow = np.full((64, 64, 3), 255, np.uint8)
    narrow[:, 5:59] = rng.integers(0, 256, (64, 54, 3), np.uint8)
    assert not has_side_bars(narrow, 44 / 64)
