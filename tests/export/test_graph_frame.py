"""`GraphFrame` matches `Frame`: equal keypoints and model images, and restored images within one level."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.export import graph_resize
from gfla_tf.export.graph_frame import GraphFrame
from gfla_tf.images import frame as images_frame
from gfla_tf.images.frame import MODES, Frame

# Larger and smaller than the frame, both, one pixel wide, and much larger.
SIZES = [(1, 1), (64, 48), (37, 61), (20, 15), (500, 20), (90, 7), (1000, 1), (3, 900), (403, 1201)]
INNER = (64, 48)


def _noise(size):
    """Returns an image with independent random pixels in one half and smooth noise in the other."""
    rng = np.random.default_rng(size[0])
    noise = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    noise[: size[0] // 2] = cv2.GaussianBlur(noise, (0, 0), 3)[: size[0] // 2]
    return noise


def _graph(method, mode):
    """Returns a method of `GraphFrame` as a graph in which no size is static."""

    @tf.function(input_signature=[tf.TensorSpec([2], tf.int32), tf.TensorSpec([None, None, None])])
    def run(outer, value):
        frame = GraphFrame.fit(outer, INNER, mode)
        if method == "keypoints_to_frame":
            return frame.keypoints_to_frame(value)
        return getattr(frame, method)(tf.cast(value, tf.uint8))

    return run


@pytest.mark.parametrize("mode", MODES)
def test_image_to_frame(mode):
    to_frame = _graph("to_frame", mode)
    for size in SIZES:
        photo = _noise(size)
        expected = Frame.fit(size, INNER, mode).to_frame(photo)
        actual = to_frame(size, photo.astype(np.float32)).numpy()
        assert actual.dtype == np.uint8
        np.testing.assert_array_equal(actual, expected, err_msg=str(size))


@pytest.mark.parametrize("mode", MODES)
def test_restore(mode):
    restore = _graph("restore", mode)
    for size in SIZES:
        image = _noise(INNER)
        expected = Frame.fit(size, INNER, mode).restore(image)
        actual = restore(size, image.astype(np.float32)).numpy()
        assert actual.shape == (*size, 3)
        assert np.abs(actual.astype(int) - expected).max() <= 1, size


def test_a_wide_photo_is_resized_in_the_other_order(monkeypatch):
    """The order of the two passes, which bounds the memory, changes no pixel by more than one level."""
    frame = GraphFrame.fit((3, 200), INNER, "resize")
    photo, image = _noise((3, 200)), _noise(INNER)
    expected = frame.to_frame(photo), frame.restore(image)
    for module in (images_frame, graph_resize):
        monkeypatch.setattr(module, "_MAX_PASS_PIXELS", 100)
    for actual, wanted in zip((frame.to_frame(photo), frame.restore(image)), expected, strict=True):
        assert actual.shape == wanted.shape
        assert np.abs(actual.numpy().astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("mode", MODES)
def test_keypoints_to_frame(mode):
    to_frame = _graph("keypoints_to_frame", mode)
    for size in SIZES:
        points = np.random.default_rng(1).uniform(0, size, (18, 2)).astype(np.float32)
        points[3] = points[5, 0] = -1.0
        expected = Frame.fit(size, INNER, mode).keypoints_to_frame(points)
        np.testing.assert_array_equal(to_frame(size, points[None])[0], expected)


def test_offsets_and_sizes_of_many_frames():
    sizes = np.random.default_rng(2).integers(1, 3000, (2000, 2))
    graph = GraphFrame.fit(sizes, (256, 192), "letterbox")
    frames = [Frame.fit(tuple(size), (256, 192)) for size in sizes.tolist()]
    assert graph.offset.numpy().tolist() == [[frame.top, frame.left] for frame in frames]
    assert graph.size.numpy().tolist() == [[frame.height, frame.width] for frame in frames]


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="mode must be one of"):
        GraphFrame.fit([4, 4], [8, 8], "crop")
