"""`portable(loops=False)`: equal results from a graph without loops."""

import numpy as np
import tensorflow as tf

from gfla_tf import ops
from gfla_tf.native import loader


def test_local_attention_without_loops():
    source = tf.random.stateless_normal([2, 6, 5, 3], [0, 1])
    flow = tf.random.stateless_normal([2, 6, 5, 2], [0, 2]) * 4
    kernels = tf.random.stateless_uniform([2, 6, 5, 9], [0, 3])

    def trace(loops):
        call = tf.function(lambda *inputs: ops.local_attention(*inputs))
        with ops.portable(loops=loops):
            return call.get_concrete_function(source, flow, kernels)

    looped, unrolled = trace(True), trace(False)
    kinds = [{node.type for node in graph.graph.get_operations()} for graph in (looped, unrolled)]
    assert ["StatelessWhile" in found or "While" in found for found in kinds] == [True, False]
    assert not any("EnsureShape" in found for found in kinds)  # TensorFlow.js does not run it
    np.testing.assert_allclose(
        unrolled(source, flow, kernels), looped(source, flow, kernels), atol=1e-6, rtol=0
    )
    assert loader.loops_allowed()


def test_an_inner_portable_does_not_allow_loops_again():
    with ops.portable(loops=False):
        with ops.portable():
            assert not loader.loops_allowed()
        assert not loader.loops_allowed()
    assert loader.loops_allowed()
