"""Empty inputs: each operator, compiled and in TensorFlow, gives empty or zero outputs and gradients."""

import pytest
import tensorflow as tf

from gfla_tf import ops

pytestmark = pytest.mark.usefixtures("implementation")

SHAPES = [(0, 4, 5, 3), (2, 0, 5, 3), (2, 4, 0, 3), (2, 0, 0, 3), (2, 4, 5, 0), (0, 0, 0, 0)]
OPERATORS = {
    "bilinear_warp": lambda source, flow, kernels: ops.bilinear_warp(source, flow),
    "gaussian_warp": lambda source, flow, kernels: ops.gaussian_warp(source, flow),
    "flowed_patches": lambda source, flow, kernels: ops.flowed_patches(source, flow, 3),
    "local_attention": ops.local_attention,
}


def _output_and_gradients(name, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        out = OPERATORS[name](*inputs)
    return out, [gradient for gradient in tape.gradient(out, inputs) if gradient is not None]


def _check(name, call, shape, dtype):
    inputs = [
        tf.zeros(size, of) for size, of in zip((shape, (*shape[:3], 2), (*shape[:3], 9)), dtype, strict=True)
    ]
    out, gradients = call(inputs)
    assert out.dtype == inputs[0].dtype
    assert out.shape == ((*shape[:3], 9, shape[3]) if name == "flowed_patches" else shape)
    assert len(gradients) == (3 if name == "local_attention" else 2)
    for gradient, value in zip(gradients, inputs, strict=False):
        assert (gradient.shape, gradient.dtype) == (value.shape, value.dtype)
        tf.debugging.assert_equal(gradient, tf.zeros_like(value))


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_empty_inputs(name, dtype):
    flow_dtype = "float64" if dtype == "float64" else "float32"
    for shape in SHAPES:
        _check(name, lambda inputs: _output_and_gradients(name, inputs), shape, (dtype, flow_dtype, dtype))


@pytest.mark.parametrize("name", OPERATORS)
def test_sizes_that_are_empty_at_run_time(name):
    call = tf.function(
        lambda *inputs: _output_and_gradients(name, inputs),
        input_signature=[tf.TensorSpec([None, None, None, size]) for size in (3, 2, 9)],
        autograph=False,
    )
    for shape in SHAPES:
        if shape[-1] == 3:
            _check(name, lambda inputs: call(*inputs), shape, ("float32",) * 3)
