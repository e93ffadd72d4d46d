import numpy as np
import pytest

from gfla_tf.viz import flow_to_color, flow_wheel, resize_map


def test_directions_have_their_documented_colors():
    directions = np.array([[[1, 0], [0, 1], [-1, 0], [0, 0]]], np.float32)
    right, down, left, none = flow_to_color(directions, max_magnitude=1.0)[0].astype(int)
    assert right.tolist() == [255, 0, 0]
    assert down[0] > 200
    assert down[1] > 200
    assert down[2] == 0
    assert left[0] == 0
    assert left[1] > 190
    assert left[2] > 120
    assert none.tolist() == [255, 255, 255]


def test_scale_is_shared_by_the_batch_and_can_be_given():
    flow = np.zeros((2, 3, 3, 2), np.float32)
    flow[0, 0, 0] = (4, 0)
    flow[1, 0, 0] = (2, 0)
    colors = flow_to_color(flow)
    assert colors.shape == (2, 3, 3, 3)
    assert colors.dtype == np.uint8
    assert colors[0, 0, 0].tolist() == [255, 0, 0]
    assert colors[1, 0, 0].tolist() == [255, 128, 128]
    assert flow_to_color(flow, max_magnitude=8.0)[0, 0, 0].tolist() == [255, 128, 128]
    assert flow_to_color(flow, max_magnitude=1.0)[0, 0, 0].tolist() == [191, 0, 0]


def test_non_finite_vectors_are_black_and_do_not_set_the_scale():
    flow = np.ones((1, 2, 2), np.float32)
    flow[0, 0] = np.nan
    colors = flow_to_color(flow)
    assert colors[0, 0].tolist() == [0, 0, 0]
    assert np.array_equal(colors[0, 1], flow_to_color(np.ones((1, 1, 2)))[0, 0])


def test_empty_and_wrong_flows():
    assert flow_to_color(np.zeros((0, 4, 4, 2))).shape == (0, 4, 4, 3)
    with pytest.raises(ValueError, match=r"got shape \(4, 4, 3\)"):
        flow_to_color(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="max_magnitude"):
        flow_to_color(np.zeros((4, 4, 2)), max_magnitude=0.0)


def test_wheel_is_a_disc_of_the_same_colors():
    wheel = flow_wheel(65)
    assert wheel.shape == (65, 65, 3)
    assert wheel[32, 32].tolist() == [255, 255, 255]
    assert wheel[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(wheel[32, 48], flow_to_color(np.array([[[0.5, 0.0]]]), 1.0)[0, 0])


def test_resize_map_accepts_a_channel_axis():
    masks = np.random.default_rng(0).random((3, 4, 4, 1)).astype(np.float32)
    assert resize_map(masks, (8, 8)).shape == (3, 8, 8)
    np.testing.assert_array_equal(resize_map(masks, (4, 4)), masks[..., 0])
    with pytest.raises(ValueError, match="mask"):
        resize_map(np.zeros((4, 4)), (8, 8))
