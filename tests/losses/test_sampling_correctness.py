"""sampling_correctness: definition in NumPy, numeric gradients, special cases, errors."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.losses import best_similarity, sampling_correctness
from gfla_tf.losses.sampling_correctness import _nearest


def features(shape, seed=0, dtype=np.float64):
    return np.maximum(np.random.default_rng(seed).standard_normal(shape) + 0.5, 0).astype(dtype)


def cosine(a, b):
    return (a @ b) / (max(np.linalg.norm(a), 1e-8) * max(np.linalg.norm(b), 1e-8))


def oracle(source, target, flow, mask=None):
    """The definition in float64, location by location."""
    batch, height, width, _ = source.shape
    terms, weights = [], []
    for b, y, x in np.ndindex(batch, height, width):
        px, py = x + flow[b, y, x, 0], y + flow[b, y, x, 1]
        total, value = 0.0, 0.0
        for j in range(-1, 3):
            for i in range(-1, 3):
                tap_y, tap_x = int(np.floor(py)) + j, int(np.floor(px)) + i
                weight = np.exp(-((py - tap_y) ** 2 + (px - tap_x) ** 2) / 8.0)
                total += weight
                value = (
                    value + weight * source[b, np.clip(tap_y, 0, height - 1), np.clip(tap_x, 0, width - 1)]
                )
        best = max(cosine(v, target[b, y, x]) for v in source[b].reshape(height * width, -1))
        exponent = -cosine(value / total, target[b, y, x]) / (best + 1e-8)
        terms.append(np.exp(min(exponent, 60.0)) - np.exp(-1))  # the loss limits the exponent as well
        weights.append(
            1.0 if mask is None else mask[b, y * mask.shape[1] // height, x * mask.shape[2] // width]
        )
    return np.dot(terms, weights) / (np.sum(weights) + (0 if mask is None else 1e-8))


@pytest.mark.parametrize("shape", [(2, 5, 7, 4), (1, 1, 1, 3), (3, 1, 6, 2), (1, 4, 4, 1)])
def test_equals_the_definition(shape):
    source, target = features(shape, 1), features(shape, 2)
    flow = np.random.default_rng(3).standard_normal((*shape[:3], 2)) * 3
    np.testing.assert_allclose(
        sampling_correctness(source, target, flow), oracle(source, target, flow), rtol=1e-9, atol=1e-12
    )


def test_equals_the_definition_with_a_mask_of_another_size():
    source, target = features((2, 4, 6, 3), 1), features((2, 4, 6, 3), 2)
    flow = np.random.default_rng(3).standard_normal((2, 4, 6, 2))
    mask = np.random.default_rng(4).random((2, 12, 12, 1)) * (
        np.random.default_rng(5).random((2, 12, 12, 1)) > 0.4
    )
    expected = oracle(source, target, flow, mask[..., 0])
    np.testing.assert_allclose(sampling_correctness(source, target, flow, mask), expected, rtol=1e-6)
    np.testing.assert_allclose(sampling_correctness(source, target, flow, mask[..., 0]), expected, rtol=1e-6)


def test_gradient_of_the_flow_equals_the_numeric_one():
    source, target = features((1, 4, 5, 3), 1), features((1, 4, 5, 3), 2)
    flow = np.random.default_rng(3).standard_normal((1, 4, 5, 2)) * 1.5
    analytic, numeric = tf.test.compute_gradient(
        lambda flow: sampling_correctness(source, target, flow), [tf.constant(flow)], delta=1e-6
    )
    np.testing.assert_allclose(analytic[0], numeric[0], atol=1e-7)


def test_features_have_no_gradient():
    source, target = tf.Variable(features((1, 4, 4, 3), 1)), tf.Variable(features((1, 4, 4, 3), 2))
    with tf.GradientTape() as tape:
        loss = sampling_correctness(source, target, tf.zeros([1, 4, 4, 2], tf.float64))
    assert tape.gradient(loss, [source, target]) == [None, None]


def test_best_similarity_in_blocks_equals_one_matrix(monkeypatch):
    source, target = features((2, 6, 5, 4), 1, np.float32), features((2, 6, 5, 4), 2, np.float32)
    whole = best_similarity(source, target)
    monkeypatch.setattr(
        sys.modules[best_similarity.__module__], "_BLOCK_ELEMENTS", 2 * 30 * 7
    )  # 7 rows, a ragged last
    np.testing.assert_allclose(best_similarity(source, target), whole, rtol=1e-6)
    dynamic = tf.function(
        best_similarity, input_signature=[tf.TensorSpec([None, None, None, 4])] * 2, autograph=False
    )
    np.testing.assert_allclose(dynamic(source, target), whole, rtol=1e-6)


def test_best_similarity_may_be_given():
    source, target = features((2, 4, 4, 3), 1), features((2, 4, 4, 3), 2)
    flow = np.ones((2, 4, 4, 2))
    best = best_similarity(source, target)
    expected = sampling_correctness(source, target, flow)
    np.testing.assert_allclose(sampling_correctness(source, target, flow, best=best), expected, rtol=1e-12)


def test_flow_of_another_size_is_resized_unscaled():
    source, target = features((1, 8, 8, 3), 1), features((1, 8, 8, 3), 2)
    flow = np.random.default_rng(0).standard_normal((1, 4, 4, 2))
    large = flow.repeat(2, axis=1).repeat(2, axis=2)
    expected = sampling_correctness(source, target, large)
    np.testing.assert_allclose(sampling_correctness(source, target, flow), expected, rtol=1e-12)


@pytest.mark.parametrize(("old", "new"), [(5, 3), (3, 5), (7, 7), (16, 5)])
def test_nearest_uses_the_floor(old, new):
    rows = np.arange(old, dtype=np.float32)[None, :, None, None]
    resized = _nearest(tf.constant(rows), new, 1)
    np.testing.assert_array_equal(resized[0, :, 0, 0], [i * old // new for i in range(new)])


@pytest.mark.parametrize("deviation", [1.5, 1e3])
@pytest.mark.parametrize("kind", ["zero", "negative", "huge", "orthogonal"])
def test_extreme_features_equal_the_definition_with_a_limited_exponent(kind, deviation):
    """A best similarity of about 0 makes the exponent large; the loss and its gradient stay finite."""
    source = tf.constant(features((1, 4, 4, 2), 1, np.float32))
    source, target = {
        "zero": (source * 0, source * 0),
        "negative": (source, -source),
        "huge": (source * 1e15, source * 1e-15),
        "orthogonal": (source * [1.0, 0.0], source * [-1e-6, 1.0]),
    }[kind]
    flow = tf.Variable(tf.random.stateless_normal([1, 4, 4, 2], [1, 2]) * deviation)
    with tf.GradientTape(persistent=True) as tape:
        masked = sampling_correctness(source, target, flow, mask=tf.zeros([1, 4, 4]))
        loss = sampling_correctness(source, target, flow)
    expected = oracle(*(np.asarray(array, np.float64) for array in (source, target, flow)))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    assert np.isfinite(tape.gradient(loss, flow)).all()
    assert masked == 0
    np.testing.assert_array_equal(tape.gradient(masked, flow), tf.zeros([1, 4, 4, 2]))


def test_an_empty_mask_has_no_loss():
    source = features((1, 4, 4, 2))
    assert sampling_correctness(source, source, np.ones((1, 4, 4, 2)), mask=np.zeros((1, 4, 4))) == 0


def test_empty_batch_is_zero():
    empty = np.zeros((0, 4, 4, 3), np.float32)
    assert sampling_correctness(empty, empty, np.zeros((0, 4, 4, 2), np.float32)) == 0


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (0, 0)])
def test_empty_maps_are_zero(size):
    empty = np.zeros((2, *size, 3), np.float32)
    assert best_similarity(empty, empty).shape == (2, *size)
    assert sampling_correctness(empty, empty, np.zeros((2, *size, 2), np.float32)) == 0


def test_half_precision_is_widened():
    source, target = features((1, 4, 4, 3), 1, np.float16), features((1, 4, 4, 3), 2, np.float16)
    flow = np.ones((1, 4, 4, 2), np.float16)
    loss = sampling_correctness(source, target, flow)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(
        loss, oracle(*(array.astype(np.float64) for array in (source, target, flow))), rtol=1e-3
    )


def test_dynamic_shapes_in_a_graph():
    spec = tf.TensorSpec([None, None, None, 3], tf.float64)
    graph = tf.function(
        lambda s, t, f, m: sampling_correctness(s, t, f, m),
        input_signature=[
            spec,
            spec,
            tf.TensorSpec([None, None, None, 2], tf.float64),
            tf.TensorSpec([None, None, None, 1], tf.bool),
        ],
    )
    source, target, flow = features((2, 6, 4, 3), 1), features((2, 6, 4, 3), 2), np.ones((2, 3, 2, 2))
    mask = np.ones((2, 3, 2, 1), bool)
    expected = sampling_correctness(source, target, flow)
    np.testing.assert_allclose(graph(source, target, flow, mask), expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source_features": np.zeros((1, 4, 4))}, r"source_features must have rank 4.*\(1, 4, 4\)"),
        ({"target_features": np.zeros((1, 4, 5, 3))}, r"must agree in shape.*\(1, 4, 5, 3\)"),
        ({"flow": np.zeros((1, 4, 4, 3))}, r"flow must have 2 channels.*\(1, 4, 4, 3\)"),
        ({"flow": np.zeros((2, 4, 4, 2))}, r"must agree in batch"),
        ({"flow": np.zeros((1, 4, 4, 2), np.int32)}, "flow must be floating point, got int32"),
        ({"mask": np.zeros((1, 4, 4, 2))}, r"mask must be.*\(1, 4, 4, 2\)"),
        ({"mask": np.ones((2, 4, 4))}, r"mask must be for a batch of 1, got shape \(2, 4, 4, 1\)"),
        ({"best": np.ones((2, 4, 4))}, r"best must be \[B, H, W\].*\(2, 4, 4\)"),
        ({"best": np.float64(1)}, r"best must be \[B, H, W\].*\(\)"),
    ],
)
def test_wrong_arguments_raise(change, message):
    arguments = {
        "source_features": np.zeros((1, 4, 4, 3)),
        "target_features": np.zeros((1, 4, 4, 3)),
        "flow": np.zeros((1, 4, 4, 2)),
    }
    with pytest.raises(ValueError, match=message):
        sampling_correctness(**(arguments | change))
