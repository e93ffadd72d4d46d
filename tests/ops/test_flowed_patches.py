"""ops.flowed_patches, compiled and in TensorFlow: NumPy oracle, gradients, borders, golden cases, errors."""

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
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_equals_the_oracle(shape, spread, n):
    source, flow, _ = case(shape, spread)
    np.testing.assert_allclose(
        ops.flowed_patches(source, flow, n), oracle.flowed_patches(source, flow, n), atol=1e-12
    )


@pytest.mark.parametrize("spread", [0.4, 3.0])
@pytest.mark.parametrize("n", [2, 3])
def test_gradients_equal_numeric_ones(spread, n):
    source, flow, _ = case((2, 4, 5, 2), spread)
    assert_gradients(lambda s, f: ops.flowed_patches(s, f, n), [source, flow])


def test_the_central_tap_at_zero_flow_is_the_source():
    source, flow, _ = case((1, 6, 5, 3), 0.0)
    np.testing.assert_array_equal(ops.flowed_patches(source, flow, 3)[..., 4, :], source)


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_flows_that_are_not_finite_read_the_border(bad):
    source, flow, _ = case((1, 4, 5, 2), 0.5)
    check_not_finite_flow(lambda s, f: ops.flowed_patches(s, f, 3), bad, source, flow)


def test_empty_batch():
    assert ops.flowed_patches(np.zeros((0, 4, 5, 3)), np.zeros((0, 4, 5, 2)), 3).shape == (0, 4, 5, 9, 3)


def test_dynamic_sizes():
    patches = tf.function(
        lambda source, flow: ops.flowed_patches(source, flow, 3),
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.float64),
            tf.TensorSpec([None, None, None, 2], tf.float64),
        ],
    )
    for shape in [(1, 4, 6, 3), (3, 7, 2, 3)]:
        source, flow, _ = case(shape, 2.0)
        np.testing.assert_allclose(patches(source, flow), oracle.flowed_patches(source, flow, 3), atol=1e-12)


@pytest.mark.parametrize(
    ("n", "shape", "spread"), [(3, (2, 9, 7, 4), 2), (5, (2, 8, 8, 3), 6), (4, (2, 6, 6, 2), 3)]
)
def test_golden_cases(golden, n, shape, spread):
    expected = golden(f"flowed_patches_k{n}")
    source = tf.constant(recipe.tensor(f"patch_source_{n}", shape))
    flow = tf.constant(recipe.tensor(f"patch_flow_{n}", (*shape[:3], 2)) * spread)
    batch, height, width, channels = shape
    with tf.GradientTape() as tape:
        tape.watch([source, flow])
        patches = tf.reshape(ops.flowed_patches(source, flow, n), [batch, height, width, n, n, channels])
        mosaic = tf.reshape(
            tf.transpose(patches, [0, 1, 3, 2, 4, 5]), [batch, height * n, width * n, channels]
        )
        loss = tf.reduce_sum(mosaic * recipe.tensor(f"patch_grad_{n}", mosaic.shape))
    np.testing.assert_allclose(mosaic, expected["patches"], atol=1e-5)
    check_golden_gradients(expected, tape.gradient(loss, [source, flow]))


@pytest.mark.parametrize(
    ("n", "impl", "message"), [(2.5, "auto", "positive int, got 2.5"), (3, "cuda", "got 'cuda'")]
)
def test_wrong_arguments_raise(n, impl, message):
    with pytest.raises(ValueError, match=message):
        ops.flowed_patches(tf.zeros([1, 4, 5, 3]), tf.zeros([1, 4, 5, 2]), n, impl=impl)
