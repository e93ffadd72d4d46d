"""`SpectralNormConv2D` compared with TensorFlow Addons' SpectralNormalization of Keras's Conv2D.

Both compute one power iteration per training call, starting from a stored u. They differ by design: Addons
overwrites the stored kernel with the normalized one and stops the gradient through sigma; this package does
neither. The lower bound of norms in l2_normalize is 1e-6 in Addons and 1e-12 in this package.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.layers import SpectralNormConv2D
from tests.tf215 import stack

addons = stack.addons()

FILTERS, SIZE, CHANNELS = 7, 3, 4
# Sums of 36 products of numbers of order 1 in float32, over a sigma of order 1.
VALUE = {"rtol": 1e-5, "atol": 1e-5}


def both(scale=1.0):
    """The layers of this package and of Addons with the same kernel, bias and u, and the kernel."""
    rng = np.random.default_rng(0)
    kernel = (rng.standard_normal((SIZE, SIZE, CHANNELS, FILTERS)) * scale / 6).astype(np.float32)
    bias, u = rng.standard_normal((2, FILTERS)).astype(np.float32)
    u /= np.linalg.norm(u)
    ours = SpectralNormConv2D(FILTERS, SIZE)
    theirs = addons.layers.SpectralNormalization(keras.layers.Conv2D(FILTERS, SIZE))
    for layer in (ours, theirs):
        layer.build((None, 8, 9, CHANNELS))
    for layer in (ours, theirs.layer):
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
    ours.u.assign(u)
    theirs.u.assign(u[None])
    return ours, theirs, kernel


def features(seed=1):
    return tf.constant(np.random.default_rng(seed).standard_normal((2, 8, 9, CHANNELS)), tf.float32)


def largest_singular_value(kernel):
    return np.linalg.svd(kernel.reshape(-1, FILTERS).astype(np.float64), compute_uv=False)[0]


def test_one_iteration_from_the_same_u():
    ours, theirs, _ = both()
    np.testing.assert_allclose(ours(features(), training=True), theirs(features(), training=True), **VALUE)
    np.testing.assert_allclose(ours.u, theirs.u[0], **VALUE)


def test_the_stored_kernel_differs():
    """Addons stores W / sigma; this package stores W, and later calls use the sigma of the trained W."""
    ours, theirs, kernel = both(scale=3)
    ours(features(), training=True)
    theirs(features(), training=True)
    np.testing.assert_array_equal(ours.kernel, kernel)
    sigma = float(np.linalg.norm(kernel) / np.linalg.norm(theirs.layer.kernel))
    assert sigma > 2
    np.testing.assert_allclose(theirs.layer.kernel, kernel / sigma, **VALUE)
    v = kernel.reshape(-1, FILTERS) @ ours.u.numpy()
    assert sigma == pytest.approx(float(ours.v.numpy() @ v), rel=1e-5)


def test_many_iterations_converge_to_the_spectral_norm():
    """Dividing W by sigma does not change its singular vectors, so both converge to W / sigma_1.

    Their outputs agree in every training call, and in inference afterwards.
    """
    ours, theirs, kernel = both()
    for _ in range(200):
        one, other = ours(features(), training=True), theirs(features(), training=True)
        np.testing.assert_allclose(one, other, **VALUE)
    np.testing.assert_allclose(ours(features(2)), theirs(features(2)), **VALUE)
    assert largest_singular_value(theirs.layer.kernel.numpy()) == pytest.approx(1, rel=1e-5)
    expected = kernel / largest_singular_value(kernel)
    np.testing.assert_allclose(theirs.layer.kernel, expected, **VALUE)


def test_addons_lacks_the_gradient_through_sigma():
    """With Addons' gradient G, the gradient of this package is (G - <G, W / sigma> v u') / sigma."""
    ours, theirs, kernel = both()
    upstream = tf.constant(np.random.default_rng(3).standard_normal((2, 6, 7, FILTERS)), tf.float32)
    gradients = []
    for layer, variable in ((ours, ours.kernel), (theirs, theirs.layer.kernel)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(features(), training=True) * upstream)
        gradients.append(tape.gradient(loss, variable).numpy())
    g = gradients[1].reshape(-1, FILTERS)
    u, v = ours.u.numpy(), ours.v.numpy()
    sigma = v @ kernel.reshape(-1, FILTERS) @ u
    normalized = kernel.reshape(-1, FILTERS) / sigma
    expected = (g - (g * normalized).sum() * np.outer(v, u)) / sigma
    scale = np.abs(g).max()
    np.testing.assert_allclose(gradients[0].reshape(-1, FILTERS), expected, rtol=0, atol=1e-5 * scale)
    assert np.abs(g - expected).max() > 0.1 * scale


def test_addons_does_not_normalize_a_tiny_kernel():
    """|W u| is about 1e-8, less than the 1e-6 that Addons at least divides by."""
    ours, theirs, kernel = both(scale=1e-8)
    for _ in range(200):
        ours(features(), training=True)
    bias = ours.bias.numpy()
    expected = tf.nn.conv2d(features(), kernel / largest_singular_value(kernel), 1, "VALID") + bias
    np.testing.assert_allclose(ours(features()), expected, **VALUE)
    theirs(features(), training=True)
    assert largest_singular_value(theirs.layer.kernel.numpy()) > 10
