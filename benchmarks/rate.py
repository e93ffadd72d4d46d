"""The rate of convolutions, by which benchmarks of networks are normalized."""

import tensorflow as tf

from benchmarks.graphs import forward

MAP, CHANNELS = 64, 256
OPERATIONS = 2 * MAP**2 * 9 * CHANNELS**2
"""Additions and multiplications of `convolution`."""


def convolution():
    """A function without arguments that computes a 3 x 3 convolution of 256 channels on a 64 x 64 map."""
    maps = tf.random.stateless_normal([1, MAP, MAP, CHANNELS], [0, 3])
    kernel = tf.random.stateless_normal([3, 3, CHANNELS, CHANNELS], [0, 4])
    return forward(lambda *inputs: tf.nn.conv2d(*inputs, strides=1, padding="SAME"), (maps, kernel))
