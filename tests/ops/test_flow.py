"""The flow convention, and the resizing of flows."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.ops.flow import resize_flow


@pytest.mark.parametrize("size", [(8, 24), (4, 8), (3, 5), (2, 2)])
def test_resize_flow_equals_opencv(size):
    flow = np.random.default_rng(0).standard_normal((3, 4, 8, 2)).astype(np.float32)
    expected = [cv2.resize(one, size[::-1], interpolation=cv2.INTER_LINEAR) for one in flow]
    expected = np.stack(expected) * [size[1] / 8, size[0] / 4]
    np.testing.assert_allclose(resize_flow(flow, size), expected, atol=1e-5)
    np.testing.assert_allclose(resize_flow(flow[0], size), expected[0], atol=1e-5)


def test_resize_flow_scales_the_values_by_the_size_ratio():
    flow = np.zeros((2, 4, 2, 2), np.float32) + np.array([1.0, -2.0], np.float32)
    larger = resize_flow(flow, (8, 8))
    assert larger.shape == (2, 8, 8, 2)
    np.testing.assert_allclose(larger, np.broadcast_to([4.0, -4.0], larger.shape))
    assert resize_flow(flow[0], (8, 8)).shape == (8, 8, 2)
    assert resize_flow(flow[:0], (8, 8)).shape == (0, 8, 8, 2)
    flow = tf.constant(np.tile([[[[1.0, 2.0]]]], [1, 4, 8, 1]), tf.float32)
    np.testing.assert_allclose(resize_flow(flow, (8, 24))[0, 3, 5], [3.0, 4.0])


def test_resize_flow_is_exact_for_a_rotation():
    """The flow of a rotation, resized from half the size, equals the flow at full size."""

    def field(size):
        axis = (np.arange(size) + 0.5) / size - 0.5
        dx, dy = np.meshgrid(axis, axis)
        return np.stack([dy, -dx], -1).astype(np.float32) * size

    larger = resize_flow(field(16), (32, 32)).numpy()
    np.testing.assert_allclose(larger[2:-2, 2:-2], field(32)[2:-2, 2:-2], atol=1e-4)


@pytest.mark.parametrize(
    "flow", [np.zeros((4, 8, 3), np.float32), np.zeros((8, 2)), np.zeros((4, 8, 2), int)]
)
def test_resize_flow_rejects_other_shapes_and_dtypes(flow):
    with pytest.raises(ValueError, match="flow must be float"):
        resize_flow(flow, (8, 8))
