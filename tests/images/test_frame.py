"""`Frame`: conversion of photos and keypoints to the model's image, and of images back."""

import cv2
import numpy as np
import pytest
from PIL import Image

from gfla_tf.images.frame import MODES, Frame, resize_image
from tests.images.pictures import gradient


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("outer", [(1, 1), (37, 61), (500, 20), (64, 64), (1000, 1), (3, 900)])
def test_sizes(mode, outer):
    frame = Frame.fit(outer, (64, 48), mode)
    photo = gradient(*outer)
    placed = frame.to_frame(photo)
    assert placed.shape == (64, 48, 3)
    inside = placed[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
    small = np.asarray(
        Image.fromarray(photo).resize((frame.width, frame.height), Image.Resampling.BILINEAR), int
    )
    assert np.abs(inside - small).max() <= 1
    np.testing.assert_array_equal(placed[: frame.top], np.repeat(placed[[frame.top]], frame.top, 0))
    np.testing.assert_array_equal(placed[:, : frame.left], placed[:, [frame.left] * frame.left])
    restored = frame.restore(placed)
    assert restored.shape == (*outer, 3)
    resized = Image.fromarray(inside).resize(outer[::-1], Image.Resampling.BICUBIC)
    mixed = (outer[0] < frame.height) != (outer[1] < frame.width)
    limit = (
        14 if mixed else 1.5
    )  # OpenCV does not average areas if it reduces one side and enlarges the other
    assert np.abs(restored - np.asarray(resized, int)).mean() <= limit


def test_letterbox_keeps_the_aspect_ratio_and_replicates_edges():
    frame = Frame.fit((100, 50), (64, 64))
    assert (frame.top, frame.left, frame.height, frame.width) == (0, 16, 64, 32)
    placed = frame.to_frame(gradient(100, 50))
    np.testing.assert_array_equal(placed[:, 0], placed[:, 16])
    np.testing.assert_array_equal(placed[:, 63], placed[:, 47])


@pytest.mark.parametrize("mode", MODES)
def test_keypoints_follow_the_image(mode):
    picture = np.zeros((90, 140, 3), np.uint8)
    points = np.full((18, 2), -1.0)
    points[0] = (40, 100)
    cv2.circle(picture, (100, 40), 4, (255, 255, 255), -1)
    frame = Frame.fit((90, 140), (64, 64), mode)
    placed = frame.keypoints_to_frame(points)
    weight = frame.to_frame(picture)[..., 0].astype(float)
    center = [(weight * axis).sum() / weight.sum() for axis in np.mgrid[:64, :64]]
    np.testing.assert_allclose(placed[0], center, atol=0.5)
    assert (placed[1:] == -1).all()


def test_round_trip_is_close():
    picture = gradient(96, 130)
    for mode in MODES:
        frame = Frame.fit((96, 130), (64, 64), mode)
        back = frame.restore(frame.to_frame(picture)).astype(int)
        assert np.abs(back - picture).max() <= 6


def test_resize_bounds_huge_pictures():
    np.testing.assert_allclose(resize_image(gradient(3000, 40), (64, 48)), gradient(64, 48), atol=8)
    np.testing.assert_allclose(resize_image(gradient(2000, 2000), (20, 20)), gradient(20, 20), atol=10)
    same = gradient(5, 4)
    assert resize_image(same, (5, 4)) is same


def test_errors():
    with pytest.raises(ValueError, match="mode must be"):
        Frame.fit((4, 4), (8, 8), "crop")
    with pytest.raises(ValueError, match="sizes must be positive"):
        Frame.fit((0, 4), (8, 8))
    frame = Frame.fit((4, 4), (8, 8))
    for call in (frame.to_frame, frame.restore):
        with pytest.raises(ValueError, match="the image must be"):
            call(gradient(5, 5))
