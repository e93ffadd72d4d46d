"""Pose heatmaps compared with the NumPy implementation of the golden recipe."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.pose import pose_heatmaps
from tests.golden import recipe


@pytest.mark.parametrize(("size", "sigma"), [((64, 48), 6.0), ((7, 31), 1.5)])
def test_equals_the_formula(size, sigma):
    points = recipe.keypoints("pose_test", 3, 18, size)
    expected = recipe.heatmaps(points, size, sigma)
    result = pose_heatmaps(points, size, sigma)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_truncates_and_drops_missing():
    points = np.array([[3.9, 5.2], [-1, -1], [2, -1], [-0.5, 2], [np.nan, 2]], np.float32)
    maps = pose_heatmaps(points, (8, 9)).numpy()
    assert np.unravel_index(maps[..., 0].argmax(), (8, 9)) == (3, 5)
    assert maps[3, 5, 0] == 1.0
    assert not maps[..., 1:].any()


def test_any_leading_shape_even_dynamic():
    points = recipe.keypoints("pose_test", 6, 18, (8, 9))
    expected = recipe.heatmaps(points, (8, 9), 6.0).reshape(2, 3, 8, 9, 18)
    points = points.reshape(2, 3, 18, 2)
    np.testing.assert_allclose(pose_heatmaps(points, (8, 9)), expected, atol=1e-6)
    np.testing.assert_allclose(pose_heatmaps(points[1, 2], (8, 9)), expected[1, 2], atol=1e-6)
    assert pose_heatmaps(points[:0], (8, 9)).shape == (0, 3, 8, 9, 18)
    call = tf.function(
        lambda p: pose_heatmaps(p, (8, 9)), input_signature=[tf.TensorSpec([None, 18, 2], tf.float32)]
    )
    for index in range(2):
        result = call(tf.constant(points[index], tf.float32))
        np.testing.assert_allclose(result, expected[index], atol=1e-6)


@pytest.mark.parametrize(
    ("points", "size", "sigma"),
    [(np.zeros((18, 3)), (8, 8), 6.0), (np.zeros((18, 2)), (0, 8), 6.0), (np.zeros((18, 2)), (8, 8), 0.0)],
)
def test_errors(points, size, sigma):
    with pytest.raises(ValueError, match=r"keypoints must be|must be positive"):
        pose_heatmaps(points, size, sigma)
