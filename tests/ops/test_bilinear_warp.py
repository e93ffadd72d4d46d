"""ops.bilinear_warp, compiled and in TensorFlow: NumPy oracle, gradients, borders, sizes, errors."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from tests.ops import oracle
from tests.ops.cases import NOT_FINITE, SHAPES, SPREADS, case, check_not_finite_flow
from tests.ops.gradients import assert_gradients

pytestmark = pytest.mark.usefixtures("implementation")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", SPREADS)
def test_equals_the_oracle(shape, spread):
    image, flow, _ = case(shape, spread)
    np.testing.assert_allclose(ops.bilinear_warp(image, flow), oracle.bilinear_warp(image, flow), atol=1e-12)


@pytest.mark.parametrize("spread", [0.4, 3.0])
def test_gradients_equal_numeric_ones(spread):
    image, flow, _ = case((2, 4, 5, 2), spread)
    assert_gradients(ops.bilinear_warp, [image, flow])


def test_zero_flow_is_the_identity():
    image, flow, _ = case((1, 6, 5, 3), 0.0)
    np.testing.assert_array_equal(ops.bilinear_warp(image, flow), image)


def test_flow_is_dx_dy_and_points_into_the_source():
    image = np.arange(12.0).reshape(1, 3, 4, 1)
    flow = np.zeros((1, 3, 4, 2))
    flow[..., 0], flow[..., 1] = 1, 2  # one to the right, two down
    assert ops.bilinear_warp(image, flow)[0, 0, 0, 0] == image[0, 2, 1, 0]


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_flows_that_are_not_finite_read_the_border(bad):
    image, flow, _ = case((1, 4, 5, 2), 0.5)
    check_not_finite_flow(ops.bilinear_warp, bad, image, flow)
    where = (1, 2) if np.isnan(bad) else (3, 4) if bad > 0 else (0, 0)
    np.testing.assert_allclose(ops.bilinear_warp(image, flow)[0, 1, 2], image[0][where])


def test_empty_batch():
    assert ops.bilinear_warp(np.zeros((0, 4, 5, 3)), np.zeros((0, 4, 5, 2))).shape == (0, 4, 5, 3)


def test_dynamic_sizes():
    warp = tf.function(
        ops.bilinear_warp,
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.float64),
            tf.TensorSpec([None, None, None, 2], tf.float64),
        ],
    )
    for shape in [(1, 4, 6, 3), (3, 7, 2, 3)]:
        image, flow, _ = case(shape, 2.0)
        np.testing.assert_allclose(warp(image, flow), oracle.bilinear_warp(image, flow), atol=1e-12)


@pytest.mark.parametrize(
    ("image", "flow", "message"),
    [
        ((4, 5, 3), (1, 4, 5, 2), r"image must have rank 4.*\(4, 5, 3\)"),
        ((1, 4, 5, 3), (1, 4, 5, 3), r"2 channels.*\(1, 4, 5, 3\)"),
        ((1, 4, 5, 3), (1, 4, 6, 2), "must agree in batch, height and width"),
    ],
)
def test_wrong_shapes_raise(image, flow, message):
    with pytest.raises(ValueError, match=message):
        ops.bilinear_warp(tf.zeros(image), tf.zeros(flow))


def test_wrong_dtypes_raise():
    with pytest.raises(ValueError, match="floating point, got int32"):
        ops.bilinear_warp(tf.zeros([1, 4, 5, 3], tf.int32), tf.zeros([1, 4, 5, 2]))
