"""affine_regularization: definition in NumPy, numeric gradients, special cases, errors."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.losses import affine_regularization


def oracle(flow, n):
    """The definition in float64, window by window, with the sampling positions instead of the flow."""
    flow = np.asarray(flow, np.float64)
    batch, height, width, _ = flow.shape
    y, x = np.mgrid[:height, :width]
    positions = flow + np.stack([x, y], axis=-1)
    residuals = []
    for b, top, left in np.ndindex(batch, height - n + 1, width - n + 1):
        window = np.s_[top : top + n, left : left + n]
        own = np.stack([x[window].ravel(), y[window].ravel(), np.ones(n * n)], axis=-1)
        sampled = positions[b][window].reshape(n * n, 2)
        fitted = own @ np.linalg.lstsq(own, sampled, rcond=None)[0]
        residuals.append(np.sum((fitted - sampled) ** 2))
    return np.mean(residuals)


@pytest.mark.parametrize(
    ("shape", "n"), [((2, 6, 5), 3), ((1, 7, 9), 5), ((2, 5, 4), 2), ((1, 3, 3), 3), ((1, 4, 4), 4)]
)
def test_equals_the_definition(shape, n):
    flow = np.random.default_rng(0).standard_normal((*shape, 2)) * 4
    np.testing.assert_allclose(affine_regularization(flow, n), oracle(flow, n), rtol=1e-10)
    np.testing.assert_allclose(affine_regularization(flow.astype(np.float32), n), oracle(flow, n), rtol=2e-6)


def test_an_affine_flow_has_no_loss():
    y, x = np.mgrid[:12, :9].astype(np.float32)
    flow = np.stack([3 + 0.5 * x - 2 * y, 40 - x + 0.25 * y], axis=-1)[None]
    np.testing.assert_allclose(affine_regularization(flow, 5), 0, atol=1e-8)


def test_a_far_flow_keeps_its_precision():
    flow = np.random.default_rng(0).standard_normal((1, 8, 8, 2)).astype(np.float32)
    expected = affine_regularization(flow, 3)
    np.testing.assert_allclose(affine_regularization(flow + 512, 3), expected, rtol=1e-4)


def test_gradient_equals_the_numeric_one():
    flow = np.random.default_rng(0).standard_normal((2, 5, 4, 2))
    analytic, numeric = tf.test.compute_gradient(
        lambda flow: affine_regularization(flow, 3), [tf.constant(flow)], delta=1e-4
    )
    np.testing.assert_allclose(analytic[0], numeric[0], atol=1e-8)


def test_one_tap_has_no_loss():
    assert affine_regularization(np.ones((2, 1, 1, 2), np.float32), 1) == 0


def test_empty_batch_is_zero():
    assert affine_regularization(np.zeros((0, 4, 4, 2), np.float32), 3) == 0


def test_dynamic_shapes_in_a_graph():
    graph = tf.function(
        lambda flow: affine_regularization(flow, 3), input_signature=[tf.TensorSpec([None, None, None, 2])]
    )
    flow = np.random.default_rng(0).standard_normal((2, 5, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(graph(flow), affine_regularization(flow, 3), rtol=1e-6)


@pytest.mark.parametrize(
    ("flow", "n", "message"),
    [
        (np.zeros((4, 4, 2)), 3, r"rank 4.*\(4, 4, 2\)"),
        (np.zeros((1, 4, 4, 3)), 3, r"2 channels.*\(1, 4, 4, 3\)"),
        (np.zeros((1, 4, 2, 2)), 3, r"at least 3 x 3.*\(1, 4, 2, 2\)"),
        (np.zeros((1, 4, 4, 2)), 0, "kernel_size must be a positive int, got 0"),
        (np.zeros((1, 4, 4, 2), np.int64), 3, "floating point, got int64"),
    ],
)
def test_wrong_arguments_raise(flow, n, message):
    with pytest.raises(ValueError, match=message):
        affine_regularization(flow, n)
