"""`InstanceNormalization` compared with TensorFlow Addons: values and gradients.

The default epsilon differs: it is 1e-3 in TensorFlow Addons, and 1e-5, as in the method, in this package.
"""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.layers import InstanceNormalization
from tests.tf215 import stack

addons = stack.addons()

# Addons computes x * s + (beta - mean * s) with s = gamma / deviation, at most 2 / 0.3 in these tests; this
# package computes (x - mean) * s + beta. If the mean is 2, Addons subtracts numbers of size 13, each rounded
# to float32 several times with an error of up to 8e-7.
VALUE = {"rtol": 0, "atol": 2e-5}
GRADIENT = {"rtol": 1e-4, "atol": 2e-5}  # sums of 195 such terms per instance


def inputs(scale=1.0, shift=0.0):
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal((2, 3, 15, 13, 6)).astype(np.float32)
    return tf.constant(x * scale + shift), tf.constant(upstream)


def both(epsilon):
    """The layers of this package and of Addons, with the same gamma and beta."""
    layers = InstanceNormalization(epsilon=epsilon), addons.layers.InstanceNormalization(epsilon=epsilon)
    rng = np.random.default_rng(1)
    for layer in layers:
        layer.build((None, 15, 13, 6))
    gamma, beta = rng.uniform(0.5, 2, 6), rng.standard_normal(6)
    for layer in layers:
        layer.gamma.assign(gamma)
        layer.beta.assign(beta)
    return layers


def value_and_gradients(layer, x, upstream):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = layer(x)
    gradients = tape.gradient(value, [x, layer.gamma, layer.beta], upstream)
    return [value.numpy(), *(gradient.numpy() for gradient in gradients)]


@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.3, 2.0)])
def test_values_and_gradients_are_the_same(epsilon, scale, shift):
    ours, theirs = (value_and_gradients(layer, *inputs(scale, shift)) for layer in both(epsilon))
    np.testing.assert_allclose(ours[0], theirs[0], **VALUE)
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(one, other, **GRADIENT)


def test_the_default_epsilon_differs():
    """With a variance v of 1e-3, the outputs differ by a factor sqrt((v + 1e-5) / (v + 1e-3)) of 0.7."""
    ours, theirs = InstanceNormalization(), addons.layers.InstanceNormalization()
    assert (ours.epsilon, theirs.epsilon) == (1e-5, 1e-3)
    x, _ = inputs(scale=1e-3**0.5)
    variance = np.var(x.numpy(), axis=(1, 2), keepdims=True)
    share = np.sqrt((variance + 1e-5) / (variance + 1e-3))
    assert share.max() < 0.8
    np.testing.assert_allclose(theirs(x), ours(x) * share, **VALUE)
