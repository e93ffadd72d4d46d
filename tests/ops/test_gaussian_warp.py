"""ops.gaussian_warp, compiled and in TensorFlow: NumPy oracle, gradients, borders, golden case, errors."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from tests.golden import recipe
from tests.ops import oracle
from tests.ops.cases import NOT_FINITE, SHAPES, SPREADS, case, check_golden_gradients, check_not_finite_flow
from tests.ops.gradients import assert_gradients

pytestmark = pytest.mark.usefixtures("implementation")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("window", [{}, {"kernel_size": 3, "sigma": 0.75}])
def test_equals_the_oracle(shape, spread, window):
    image, flow, _ = case(shape, spread)
    np.testing.assert_allclose(
        ops.gaussian_warp(image, flow, **window), oracle.gaussian_warp(image, flow, **window), atol=1e-12
    )


@pytest.mark.parametrize("spread", [0.4, 3.0])
def test_gradients_equal_numeric_ones(spread):
    image, flow, _ = case((2, 4, 5, 2), spread)
    assert_gradients(ops.gaussian_warp, [image, flow])


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_flows_that_are_not_finite_read_the_border(bad):
    image, flow, _ = case((1, 4, 5, 2), 0.5)
    check_not_finite_flow(ops.gaussian_warp, bad, image, flow)


def test_empty_batch():
    assert ops.gaussian_warp(np.zeros((0, 4, 5, 3)), np.zeros((0, 4, 5, 2))).shape == (0, 4, 5, 3)


def test_golden_case(golden):
    expected = golden("gaussian_warp")
    image = tf.constant(recipe.tensor("resample_source", (2, 9, 11, 5)))
    flow = tf.constant(recipe.tensor("resample_flow", (2, 9, 11, 2)) * 4)
    with tf.GradientTape() as tape:
        tape.watch([image, flow])
        out = ops.gaussian_warp(image, flow)
        loss = tf.reduce_sum(out * recipe.tensor("resample_grad", out.shape))
    np.testing.assert_allclose(out, expected["output"], atol=1e-5)
    check_golden_gradients(expected, tape.gradient(loss, [image, flow]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0}, "sigma must be positive.*got 0"),
        ({"sigma": float("nan")}, "sigma must be positive.*got nan"),
        ({"sigma": "2"}, "sigma must be positive.*got '2'"),
        ({"sigma": True}, "sigma must be positive.*got True"),
        ({"kernel_size": 0}, "positive int, got 0"),
        ({"kernel_size": True}, "positive int, got True"),
    ],
)
def test_wrong_arguments_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        ops.gaussian_warp(tf.zeros([1, 4, 5, 3]), tf.zeros([1, 4, 5, 2]), **arguments)
