"""Comparison of gradients with numeric gradients in float64."""

import numpy as np
import tensorflow as tf


def assert_gradients(function, inputs, tolerance=1e-6, step=1e-5, seed=0):
    """Compares the gradient of every input with central differences along random directions."""
    rng = np.random.default_rng(seed)
    inputs = [tf.constant(value, tf.float64) for value in inputs]
    weights = tf.constant(rng.standard_normal(function(*inputs).shape))

    def loss(*values):
        return tf.reduce_sum(function(*values) * weights)

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = loss(*inputs)
    gradients = tape.gradient(value, inputs)
    for i, gradient in enumerate(gradients):
        for _ in range(3):
            direction = rng.standard_normal(inputs[i].shape)
            ends = [
                loss(*[v + sign * step * direction if j == i else v for j, v in enumerate(inputs)])
                for sign in (1, -1)
            ]
            numeric = float(ends[0] - ends[1]) / (2 * step)
            analytic = float(tf.reduce_sum(gradient * direction))
            assert abs(numeric - analytic) <= tolerance * max(1.0, abs(numeric)), (i, numeric, analytic)
