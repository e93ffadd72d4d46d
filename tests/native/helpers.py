"""Functions shared by the tests of the compiled operators."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import layers, ops
from gfla_tf.native import loader as native

needs_library = pytest.mark.skipif(
    not ops.native_available(), reason=f"the compiled operators cannot run: {native.unavailable_reason()}"
)


def arguments(batch=2, height=6, width=5, channels=4, n=3):
    """Random (source, flow, kernels) of an operator."""
    rng = np.random.default_rng(0)
    shapes = [(batch, height, width, size) for size in (channels, 2, n * n)]
    return [tf.constant(rng.standard_normal(shape), tf.float32) for shape in shapes]


def calls(impl="auto"):
    """Every operator as a function of (source, flow, kernels)."""
    return {
        "bilinear_warp": lambda source, flow, kernels: ops.bilinear_warp(source, flow, impl=impl),
        "gaussian_warp": lambda source, flow, kernels: ops.gaussian_warp(source, flow, impl=impl),
        "flowed_patches": lambda source, flow, kernels: ops.flowed_patches(source, flow, 3, impl=impl),
        "local_attention": lambda source, flow, kernels: ops.local_attention(
            source, flow, kernels, impl=impl
        ),
        "instance_norm": lambda source, flow, kernels: _normalized(source, impl),
    }


def _normalized(source, impl):
    gamma, beta = tf.linspace(0.5, 1.5, source.shape[-1]), tf.zeros([source.shape[-1]])
    return source * ops.instance_norm(source, gamma, beta, impl=impl)


def value_and_gradients(call):
    """A function that computes [value, *gradients] of a call."""

    def compute(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = call(*inputs)
            loss = tf.reduce_sum(value**2)
        gradients = tape.gradient(loss, inputs, unconnected_gradients="zero")
        return [value, *gradients]

    return compute


def compiled_nodes(graph_def):
    """The types of the compiled operators in a graph and its function library."""
    nodes = [
        *graph_def.node,
        *(node for function in graph_def.library.function for node in function.node_def),
    ]
    assert nodes
    return {node.op for node in nodes if node.op.startswith("Gfla")}


def assert_close(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())


def run_python(code, **environment):
    """Runs code in a new process; returns its output and the logged fallbacks to TensorFlow's operators."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    } | environment
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if "using TensorFlow's operators" in line]


def attention_model(size=8, impl="auto"):
    """A functional model with a `LocalAttention` layer."""
    source, target = keras.Input([size, size, 4]), keras.Input([size, size, 4])
    flow = keras.layers.Conv2D(2, 3, padding="same")(target)
    return keras.Model([source, target], layers.LocalAttention(3, hidden=4, impl=impl)(source, target, flow))


def features(batch=4, size=8):
    """Random inputs of `attention_model`."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal([batch, size, size, 4]).astype("float32") for _ in range(2)]
