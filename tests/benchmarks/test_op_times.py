"""Profiles of operators, and counts of operations in convolutions."""

import tensorflow as tf

from benchmarks import bm_generator, bm_train_step
from benchmarks.op_times import convolution_operations, convolutions, operator_seconds
from gfla_tf.models import PersonImageGenerator


def _graph(function, shape):
    return tf.function(function, autograph=False).get_concrete_function(tf.ones(shape))


def test_operations_of_convolutions_are_counted():
    kernel = tf.ones([3, 3, 8, 4])  # [..., in, out]; for a transposed convolution [..., out, in]
    graph = _graph(lambda x: tf.nn.conv2d(x, kernel, 2, "SAME"), [2, 10, 6, 8]).graph
    assert convolution_operations(graph) == 2 * (3 * 3 * 8 * 4) * (2 * 5 * 3)
    graph = _graph(lambda x: tf.nn.conv2d_transpose(x, kernel, [1, 9, 7, 8], 2, "VALID"), [1, 4, 3, 4]).graph
    assert convolution_operations(graph) == 2 * (3 * 3 * 8 * 4) * (4 * 3)


def test_operations_of_gradients_are_counted():
    """The gradient of the weights is not used, so it is not counted; that of a constant's is not, either."""
    kernel = tf.ones([3, 3, 8, 4])

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.nn.conv2d(x, kernel, 2, "SAME")
        return tape.gradient(y, [x, kernel])

    forward, one = [2, 10, 6, 8], 2 * (3 * 3 * 8 * 4) * (2 * 5 * 3)
    graph = _graph(lambda x: step(x)[0], forward).graph
    assert convolution_operations(graph) == one  # neither is the convolution, whose value is not used
    graph = _graph(step, forward).graph
    assert convolutions(graph, graph.outputs) == {
        (name, kind): one
        for name, kind in convolutions(graph, graph.outputs)
        if kind in ("Conv2DBackpropInput", "Conv2DBackpropFilter")
    }
    assert convolution_operations(graph) == 2 * one


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
    assert bm_generator.border_operations(model, 256, 256) == border


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


def test_operators_of_a_step_are_assigned_to_rows():
    d, generator = "res_discriminator/conv", "person_image_generator/block/conv"
    names = {
        (f"{d}/BiasAdd", "_MklNativeFusedConv2D"): "convolutions of D, forward",
        (
            f"gradient_tape/{d}/Conv2DBackpropInput",
            "Conv2DBackpropInput",
        ): "convolutions of D, gradients of the input",
        (f"{generator}/conv2d_transpose", "_MklNativeConv2DBackpropInput"): "convolutions of F, G, forward",
        (
            f"gradient_tape/{generator}/Conv2DBackpropFilter",
            "_MklNativeConv2DBackpropFilter",
        ): "convolutions of F, G, gradients of the weights",
        ("Conv2D_3", "_MklNativeConv2D"): "convolutions of VGG19, forward",
        ("add", "_MklAddV2"): "AddV2",
        ("update", "ResourceApplyAdam"): "ResourceApplyAdam",
    }
    assert {key: bm_train_step.part_of(*key) for key in names} == names


def test_a_profile_has_the_rate_of_convolutions():
    executed = {
        ("res_discriminator/a", "Conv2D"): (2.0, 0.25),
        ("res_discriminator/b", "Conv2D"): (1.0, 0.25),
    }
    executed |= {(f"op{i}", f"Kind{i}"): (1.0, 1e-3) for i in range(bm_train_step.SHOWN)}
    first, *_, last = bm_train_step.profile_rows(executed, {("res_discriminator/a", "Conv2D"): 10**9})
    assert first == ["convolutions of D, forward", "3", "500.00", "96.2%", "2"]
    assert last == ["the rest", "1", "1.00", "0.2%", "–"]
