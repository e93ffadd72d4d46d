"""ops.local_attention, compiled and in TensorFlow: NumPy oracle, gradients, borders, half types, errors."""

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
@pytest.mark.parametrize("n", [1, 3, 5])
def test_equals_the_oracle(shape, spread, n):
    source, flow, kernels = case(shape, spread, n)
    np.testing.assert_allclose(
        ops.local_attention(source, flow, kernels), oracle.local_attention(source, flow, kernels), atol=1e-12
    )


@pytest.mark.parametrize("spread", [0.4, 3.0])
def test_gradients_equal_numeric_ones(spread):
    assert_gradients(ops.local_attention, list(case((2, 4, 5, 2), spread, 3)))


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_flows_that_are_not_finite_read_the_border(bad):
    source, flow, kernels = case((1, 4, 5, 2), 0.5, 3)
    check_not_finite_flow(
        lambda s, f: ops.local_attention(s, f, tf.cast(kernels, s.dtype)), bad, source, flow
    )


def test_empty_batch():
    source, flow, kernels = np.zeros((0, 4, 5, 3)), np.zeros((0, 4, 5, 2)), np.zeros((0, 4, 5, 9))
    assert ops.local_attention(source, flow, kernels).shape == (0, 4, 5, 3)


def _value_and_gradients(*inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = ops.local_attention(*inputs)
        loss = tf.reduce_sum(value**2)
    return value, tape.gradient(loss, inputs)


def test_dynamic_sizes():
    in_a_graph = tf.function(
        _value_and_gradients,
        input_signature=[tf.TensorSpec([None, None, None, size], tf.float64) for size in (3, 2, 9)],
    )
    for shape in [(1, 4, 6, 3), (3, 7, 2, 3)]:
        inputs = [tf.constant(value) for value in case(shape, 2.0, 3)]
        value, gradients = in_a_graph(*inputs)
        expected = oracle.local_attention(*(one.numpy() for one in inputs))
        np.testing.assert_allclose(value, expected, atol=1e-12)
        for actual, expected in zip(gradients, _value_and_gradients(*inputs)[1], strict=True):
            np.testing.assert_allclose(actual, expected, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types_keep_their_type_and_position(dtype):
    source, flow, kernels = case((1, 6, 40, 4), 8.0, 3)
    kernels = np.abs(kernels) / np.abs(kernels).sum(-1, keepdims=True)
    flow = flow.astype("float32")
    out = ops.local_attention(tf.cast(source, dtype), flow, tf.cast(kernels, "float32"))
    assert out.dtype.name == dtype
    # Rounding is 2^-8 (bfloat16) or 2^-11 (float16) of the largest value of a tap; 16 taps add up.
    atol = {"bfloat16": 0.06, "float16": 0.0075}[dtype]
    np.testing.assert_allclose(
        tf.cast(out, tf.float64), oracle.local_attention(source, flow, kernels), atol=atol
    )


@pytest.mark.parametrize(
    ("kernels", "message"),
    [
        ((1, 4, 5, 16), "n odd, got 16"),
        ((1, 4, 5, 8), "n odd, got 8"),
        ((1, 4, 4, 9), "kernels and flow"),
        ((4, 5, 9), "static n"),
    ],
)
def test_wrong_kernels_raise(kernels, message):
    with pytest.raises(ValueError, match=message):
        ops.local_attention(tf.zeros([1, 4, 5, 3]), tf.zeros([1, 4, 5, 2]), tf.zeros(kernels))
