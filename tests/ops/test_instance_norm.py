"""ops.instance_norm, compiled and in TensorFlow: NumPy oracle, gradients, shapes, threads, errors."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from tests.native.helpers import needs_library
from tests.ops import oracle
from tests.ops.gradients import assert_gradients

EPSILON = 2.0**-10  # exact in float32, in which the compiled operator stores it
SHAPES = [(1, 1, 1, 1), (2, 5, 7, 3), (3, 40, 30, 21), (1, 33, 17, 70), (2, 3, 2, 129)]
both = pytest.mark.usefixtures("implementation")


def _case(shape, dtype="float64", mean=1.5):
    rng = np.random.default_rng(shape)
    x = rng.standard_normal(shape) * rng.uniform(0.1, 3, shape[-1]) + mean
    return [value.astype(dtype) for value in (x, *rng.standard_normal((2, shape[-1])))]


def _gradients(inputs, upstream, **arguments):
    inputs = [tf.constant(value) for value in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        out = ops.instance_norm(*inputs, EPSILON, **arguments)
    return [out, *tape.gradient(out, inputs, upstream)]


@both
@pytest.mark.parametrize("slope", [1.0, 0.1, 0.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_oracle(shape, slope):
    inputs = _case(shape)
    np.testing.assert_allclose(
        ops.instance_norm(*inputs, EPSILON, slope), oracle.instance_norm(*inputs, EPSILON, slope), atol=1e-11
    )


@both
@pytest.mark.parametrize("slope", [1.0, 0.1])
@pytest.mark.parametrize("shape", [(2, 3, 4, 3), (1, 7, 5, 18)])
def test_gradients_equal_numeric_ones(shape, slope):
    assert_gradients(lambda *inputs: ops.instance_norm(*inputs, EPSILON, slope), _case(shape))


@needs_library
@pytest.mark.parametrize("slope", [1.0, 0.1])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_compiled_operator_equals_tensorflows(shape, slope):
    inputs = _case(shape, "float32")
    upstream = np.random.default_rng(0).standard_normal(shape).astype("float32")
    results = [_gradients(inputs, upstream, slope=slope, impl=impl) for impl in ("native", "tf")]
    for native, tensorflow in zip(*results, strict=True):
        np.testing.assert_allclose(native, tensorflow, atol=1e-5 * max(1, np.abs(tensorflow).max()))


@both
def test_is_precise_far_from_zero():
    x, gamma, beta = _case((1, 64, 64, 3), "float32", mean=100.0)
    expected = oracle.instance_norm(x.astype("float64"), gamma, beta, EPSILON, 0.1)
    np.testing.assert_allclose(ops.instance_norm(x, gamma, beta, EPSILON, 0.1), expected, atol=5e-4)


@both
@pytest.mark.parametrize("shape", [(0, 4, 5, 3), (2, 0, 5, 3)])
def test_empty_inputs(shape):
    inputs = _case((1, 4, 5, 3), "float32")
    results = _gradients([np.zeros(shape, "float32"), *inputs[1:]], np.zeros(shape, "float32"), slope=0.1)
    assert [tuple(result.shape) for result in results] == [shape, shape, (3,), (3,)]


@both
def test_unknown_sizes():
    function = tf.function(
        lambda x: ops.instance_norm(x, tf.ones([3], x.dtype), tf.zeros([3], x.dtype), EPSILON, 0.1),
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.float64)],
    )
    for shape in [(1, 4, 6, 3), (3, 7, 2, 3)]:
        x = _case(shape)[0]
        np.testing.assert_allclose(
            function(x), oracle.instance_norm(x, np.ones(3), np.zeros(3), EPSILON, 0.1), atol=1e-11
        )


def test_second_derivatives_of_tensorflows_operators():
    inputs = _case((1, 3, 4, 2))

    def slope_of_x(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs[0])
            out = tf.reduce_sum(ops.instance_norm(*inputs, EPSILON, 0.1, impl="tf") ** 3)
        return tape.gradient(out, inputs[0])

    assert_gradients(slope_of_x, inputs, tolerance=1e-5)


@needs_library
def test_the_compiled_operator_has_no_second_derivatives():
    x, gamma, beta = (tf.constant(value) for value in _case((1, 3, 4, 2)))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            out = tf.reduce_sum(ops.instance_norm(x, gamma, beta, impl="native") ** 2)
        gradient = inner.gradient(out, x)
    with pytest.raises(LookupError, match="GflaInstanceNormGradient"):
        outer.gradient(gradient, x)


@both
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((2, 3, 4, 2), "float16")}, "x must be float32 or float64, got float16"),
        ({"x": np.zeros((3, 4, 2), "float32")}, r"x must be \[B, H, W, C\] with a static, positive C"),
        ({"gamma": np.ones(3, "float32")}, r"gamma must be float32 \[2\], got float32 \(3,\)"),
        ({"beta": np.ones(2)}, r"beta must be float32 \[2\], got float64 \(2,\)"),
        ({"epsilon": 0.0}, "epsilon must be positive, got 0.0"),
        ({"slope": 1.5}, r"slope must be in \[0, 1\], got 1.5"),
        ({"impl": "fast"}, "impl must be"),
    ],
)
def test_errors(change, message):
    x, gamma, beta = _case((2, 3, 4, 2), "float32")
    with pytest.raises(ValueError, match=message):
        ops.instance_norm(**{"x": x, "gamma": gamma, "beta": beta} | change)
