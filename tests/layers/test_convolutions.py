"""Convolutions with padding on each side, and transposed convolutions and their gradients."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import layers
from gfla_tf.layers.convolutions import padded_convolution
from gfla_tf.layers.up_conv import up_convolution


def _normal(*shape):
    return tf.constant(np.random.default_rng(len(shape)).standard_normal(shape).astype("float32"))


@pytest.mark.parametrize("size", [(6, 8), (7, 8), (7, 5), (None, None)])
@pytest.mark.parametrize(
    ("kernel_size", "strides", "padding"), [(3, 1, 1), (4, 2, 1), (3, 2, 1), (1, 1, 0), (5, 1, 1)]
)
def test_padding_is_the_same_on_each_side(size, kernel_size, strides, padding):
    x, kernel = _normal(2, size[0] or 6, size[1] or 8, 3), _normal(kernel_size, kernel_size, 3, 4)
    zeros = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
    function = tf.function(
        lambda x: padded_convolution(x, kernel, strides, padding),
        input_signature=[tf.TensorSpec([None, *size, 3])],
    )
    np.testing.assert_allclose(function(x), tf.nn.conv2d(x, kernel, strides, zeros), atol=1e-5)


@pytest.mark.parametrize(("kernel_size", "strides"), [(3, 1), (4, 2)])
def test_no_convolution_of_d_has_explicit_padding(kernel_size, strides):
    graph = tf.function(lambda x: padded_convolution(x, _normal(kernel_size, kernel_size, 3, 4), strides, 1))
    operators = graph.get_concrete_function(tf.TensorSpec([2, 6, 8, 3])).graph.get_operations()
    (convolution,) = (one for one in operators if one.type == "Conv2D")
    assert convolution.get_attr("padding") == b"SAME"


def test_the_gradients_of_a_transposed_convolution_are_those_of_its_slice():
    x, kernel, bias, upstream = _normal(2, 3, 4, 2), _normal(3, 3, 5, 2), _normal(5), _normal(2, 6, 8, 5)
    with tf.GradientTape() as tape:
        tape.watch([x, kernel, bias])
        out = up_convolution(x, kernel, bias)
    with tf.GradientTape() as sliced:
        sliced.watch([x, kernel, bias])
        expected = tf.nn.conv2d_transpose(x, kernel, [2, 7, 9, 5], 2, "VALID")[:, 1:, 1:] + bias
    np.testing.assert_allclose(out, expected, atol=1e-5)
    gradients = tape.gradient(out, [x, kernel, bias], upstream)
    for one, other in zip(gradients, sliced.gradient(expected, [x, kernel, bias], upstream), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_the_decoder_block_adds_two_transposed_convolutions():
    block, x = layers.ResidualDecoderBlock(filters=4, hidden=2), _normal(2, 4, 3, 3)
    block.build(x.shape)
    for i, weight in enumerate(block.weights):
        weight.assign(np.random.default_rng(i).standard_normal(weight.shape).astype("float32"))
    hidden = block.conv0(tf.nn.leaky_relu(block.norm0(x), 0.1))
    expected = block.up(tf.nn.leaky_relu(block.norm1(hidden), 0.1)) + block.shortcut(x)
    np.testing.assert_allclose(block(x), expected, atol=1e-4)
