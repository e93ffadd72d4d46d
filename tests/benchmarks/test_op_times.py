"""Profiles of operators, and counts of operations in convolutions."""

import tensorflow as tf

from benchmarks import bm_generator
from benchmarks.op_times import convolution_operations, operator_seconds
from gfla_tf.models import PersonImageGenerator


def _graph(function, shape):
    return tf.function(function, autograph=False).get_concrete_function(tf.ones(shape))


def test_operations_of_convolutions_are_counted():
    kernel = tf.ones([3, 3, 8, 4])  # [..., in, out]; for a transposed convolution [..., out, in]
    graph = _graph(lambda x: tf.nn.conv2d(x, kernel, 2, "SAME"), [2, 10, 6, 8]).graph
    assert convolution_operations(graph) == 2 * (3 * 3 * 8 * 4) * (2 * 5 * 3)
    graph = _graph(lambda x: tf.nn.conv2d_transpose(x, kernel, [1, 9, 7, 8], 2, "VALID"), [1, 4, 3, 4]).graph
    assert convolution_operations(graph) == 2 * (3 * 3 * 8 * 4) * (4 * 3)


def test_operators_are_profiled():
    graph = _graph(
        lambda x: tf.nn.leaky_relu(tf.nn.conv2d(x, tf.ones([3, 3, 8, 8]), 1, "SAME")), [1, 32, 32, 8]
    )
    graph(tf.ones([1, 32, 32, 8]))
    traced = operator_seconds(lambda: graph(tf.ones([1, 32, 32, 8])), calls=3)
    convolutions = [value for (_, kind), value in traced.items() if "Conv2D" in kind]
    assert [executions for executions, _ in convolutions] == [1.0]
    assert 0 < convolutions[0][1] < 1


def test_operations_outside_the_map_are_not_counted():
    """The projection of the source extends beyond the map; the method requires only the map."""
    model = PersonImageGenerator.from_preset("fashion", load_weights=False, width=8, flow_width=8)
    border = 25 * (68 * 68 - 64 * 64) * 2 * 16 * 128 + 9 * (34 * 34 - 32 * 32) * 2 * 32 * 128
    assert bm_generator._border_operations(model, 256, 256) == border


def test_operators_are_assigned_to_parts():
    names = {
        ("f/up_conv2d/conv2d_transpose", "_MklNativeConv2DBackpropInput"): "transposed convolutions",
        ("f/up_conv2d/strided_slice", "StridedSlice"): "transposed convolutions: bias, crop",
        ("f/conv2d/BiasAdd", "_MklNativeFusedConv2D"): "convolutions",
        ("f/instance_normalization_1/add", "AddV2"): "instance normalisation",
        ("g/add", "AddV2"): "sums",
        ("g/LeakyRelu", "LeakyRelu"): "leaky ReLU",
        ("g/Tanh", "Tanh"): "the rest",
    }
    assert {key: bm_generator._part(*key) for key in names} == names
