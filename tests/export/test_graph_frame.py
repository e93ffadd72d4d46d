"""The graph's frames against those of `gfla generate`: keypoints equal, pictures within one level."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.export.graph_frame import GraphFrame
from gfla_tf.images.frame import MODES, Frame

# Larger and smaller than the frame, both at once, one pixel thin, and reduced so much that blocks come first.
SIZES = [(1, 1), (64, 48), (37, 61), (20, 15), (500, 20), (90, 7), (1000, 1), (3, 900), (403, 1201)]
INNER = (64, 48)


def _noise(size):
    """The hardest picture: every pixel its own colour, and smooth parts too."""
    rng = np.random.default_rng(size[0])
    noise = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    noise[: size[0] // 2] = cv2.GaussianBlur(noise, (0, 0), 3)[: size[0] // 2]
    return noise


def _graph(method, mode):
    """A method of `GraphFrame` as a graph that does not know any size."""

    @tf.function(input_signature=[tf.TensorSpec([2], tf.int32), tf.TensorSpec([None, None, None])])
    def run(outer, value):
        frame = GraphFrame.fit(outer, INNER, mode)
        if method == "place_keypoints":
            return frame.place_keypoints(value)
        return getattr(frame, method)(tf.cast(value, tf.uint8))

    return run


@pytest.mark.parametrize("mode", MODES)
def test_pictures_go_into_the_frame_as_outside(mode):
    place = _graph("place_image", mode)
    for size in SIZES:
        photo = _noise(size)
        wanted = Frame.fit(size, INNER, mode).to_frame(photo)
        got = place(size, photo.astype(np.float32)).numpy()
        assert got.dtype == np.uint8
        assert np.abs(got.astype(int) - wanted).max() <= 1, size


@pytest.mark.parametrize("mode", MODES)
def test_pictures_come_back_as_outside(mode):
    restore = _graph("restore", mode)
    for size in SIZES:
        picture = _noise(INNER)
        wanted = Frame.fit(size, INNER, mode).restore(picture)
        got = restore(size, picture.astype(np.float32)).numpy()
        assert got.shape == (*size, 3)
        assert np.abs(got.astype(int) - wanted).max() <= 1, size


@pytest.mark.parametrize("mode", MODES)
def test_keypoints_are_equal(mode):
    place = _graph("place_keypoints", mode)
    for size in SIZES:
        points = np.random.default_rng(1).uniform(0, size, (18, 2)).astype(np.float32)
        points[3] = points[5, 0] = -1.0
        wanted = Frame.fit(size, INNER, mode).keypoints_to_frame(points)
        np.testing.assert_array_equal(place(size, points[None])[0], wanted)


def test_frames_are_equal_for_many_sizes():
    sizes = np.random.default_rng(2).integers(1, 3000, (2000, 2))
    graph = GraphFrame.fit(sizes, (256, 192), "letterbox")
    frames = [Frame.fit(tuple(size), (256, 192)) for size in sizes.tolist()]
    assert graph.offset.numpy().tolist() == [[frame.top, frame.left] for frame in frames]
    assert graph.size.numpy().tolist() == [[frame.height, frame.width] for frame in frames]


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="mode must be one of"):
        GraphFrame.fit([4, 4], [8, 8], "crop")
