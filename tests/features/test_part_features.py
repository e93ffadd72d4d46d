"""PartFeatures: training on part labels, uint8 images, saving and loading, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.features import PartFeatures, part_labeller


def colored_squares(count, seed):
    """Images of three colored, noisy rectangles on gray, and their labels 0 .. 3."""
    rng = np.random.default_rng(seed)
    colors = np.array([[120, 120, 120], [200, 60, 60], [60, 190, 60], [60, 60, 200]])
    parts = np.zeros((count, 16, 16), np.uint8)
    for labels in parts:
        for label in (1, 2, 3):
            y, x = rng.integers(0, 9, 2)
            labels[y : y + 8, x : x + 8] = label
    images = colors[parts] + rng.normal(0, 10, (count, 16, 16, 3))
    return np.clip(images, 0, 255).astype(np.uint8), parts


@pytest.fixture(scope="module")
def trained():
    net = PartFeatures(width=4, num_parts=4)
    metrics = net.fit_parts(
        *colored_squares(64, 0),
        steps=100,
        batch_size=16,
        learning_rate=1e-2,
        validation=colored_squares(16, 1),
    )
    return net, metrics


def images(seed=3):
    return colored_squares(4, seed)[0] / np.float32(127.5) - 1


def test_contract():
    net = PartFeatures(width=4, num_parts=4)
    features = net(images())
    assert list(features) == [f"relu{i}_{j}" for i, n in enumerate((2, 3, 3, 1), 1) for j in range(1, n + 1)]
    assert features["relu3_1"].shape == (4, 4, 4, 16)
    assert {*net.content_layers, *net.style_layers} <= set(features)
    assert tuple(net.correctness_layers.values()) == part_labeller.SUPERVISED
    assert net.trainable_weights == []
    assert "random weights" in net.description


def test_uint8_images_equal_float_images():
    net = PartFeatures(width=4, num_parts=4)
    pixels = colored_squares(2, 0)[0]
    expected = net(pixels / np.float32(127.5) - 1)
    for name, value in net(pixels).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-6)


def test_training_learns_the_labels(trained):
    net, metrics = trained
    assert metrics["relu2_3_accuracy"] > 0.7
    assert metrics["val_relu2_3_accuracy"] > 0.7
    assert np.isfinite([*metrics.values()]).all()
    assert "trained on part labels" in net.description
    assert net.trainable_weights == []


def test_saved_weights_and_models_load(trained, tmp_path):
    net, _ = trained
    expected = net(images())["relu4_1"]
    net.save_weights(tmp_path / "parts.weights.h5")
    other = PartFeatures(width=4, num_parts=4, seed=8)
    other.load_weights(tmp_path / "parts.weights.h5")
    np.testing.assert_array_equal(other(images())["relu4_1"], expected)
    assert "trained on part labels" in other.description
    net.save(tmp_path / "parts.keras")
    np.testing.assert_array_equal(
        keras.saving.load_model(tmp_path / "parts.keras")(images())["relu4_1"], expected
    )


def test_training_is_seeded_and_the_same_under_mixed_precision():
    data, nets = colored_squares(16, 0), []
    for policy in ("float32", "mixed_float16"):
        keras.mixed_precision.set_global_policy(policy)
        try:
            nets.append(PartFeatures(width=2, num_parts=4, seed=1))
            nets[-1].fit_parts(*data, steps=3, batch_size=4, seed=5)
        finally:
            keras.mixed_precision.set_global_policy("float32")
    first, second = (net(images())["relu4_1"] for net in nets)
    assert second.dtype == tf.float32
    np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-5)


def test_background_has_its_weight():
    shares = np.zeros((1, 1, 4, 3), np.float32)
    shares[0, 0, :3, 0], shares[0, 0, 3, 2] = 1, 1
    logits = np.random.default_rng(0).standard_normal((1, 1, 4, 3)).astype(np.float32)
    entropy = np.log(np.exp(logits).sum(-1)) - (shares * logits).sum(-1)
    expected = (0.15 * entropy[..., :3].sum() + entropy[..., 3].sum()) / 1.45
    np.testing.assert_allclose(part_labeller.label_loss(shares, logits), expected, rtol=1e-5)
    correct = logits[0, 0, 3].argmax() == 2
    np.testing.assert_allclose(part_labeller.label_accuracy(shares, logits), correct)


def test_gradient_of_the_image_equals_the_numeric_one():
    net = PartFeatures(width=2, num_parts=4, dtype="float64")
    probe = np.random.default_rng(0).standard_normal((1, 2, 2, 8))
    analytic, numeric = tf.test.compute_gradient(
        lambda x: tf.reduce_sum(net.features(x, ["relu3_3"])["relu3_3"] * probe),
        [tf.constant(images()[:1, :8, :8].astype(np.float64))],
        delta=1e-6,
    )
    np.testing.assert_allclose(analytic[0], numeric[0], atol=1e-6 * np.abs(numeric[0]).max() + 1e-9)


def test_part_shares():
    parts = np.zeros((1, 8, 8), np.int32)
    parts[0, 0, 0] = 1
    shares = part_labeller.part_shares(parts, 3)
    assert [tuple(share.shape) for share in shares] == [(1, 4, 4, 3), (1, 2, 2, 3), (1, 1, 1, 3)]
    np.testing.assert_allclose([share[0, 0, 0, 1] for share in shares], [1 / 4, 1 / 16, 1 / 64])


def test_augmentation_changes_the_light_within_range():
    source = tf.constant(images())
    first = part_labeller.augment(source, tf.constant([0, 1], tf.int64))
    assert first.shape == source.shape
    assert float(tf.reduce_max(tf.abs(first))) <= 1
    assert float(tf.reduce_max(tf.abs(first - source))) > 0.05
    np.testing.assert_array_equal(first, part_labeller.augment(source, tf.constant([0, 1], tf.int64)))
    # log(y) = gamma log(x) + light in each channel, with a light that is linear in the position, plus noise
    y, x = (axis / 7.5 - 1 for axis in np.mgrid[:16, :16])
    for before, after in zip((source.numpy() + 1) / 2, (first.numpy() + 1) / 2, strict=True):
        kept = (before.min(-1) > 0.1) & (after.min(-1) > 0.1) & (after.max(-1) < 1)
        channels = np.eye(3)[None].repeat(kept.sum(), 0)  # [pixels, 3, 3]
        slopes = np.stack([y[kept], x[kept]], -1)[:, None].repeat(3, 1)  # [pixels, 3, 2]
        factors = np.concatenate([np.log(before[kept])[..., None], slopes, channels], -1).reshape(-1, 6)
        expected = np.log(after[kept]).reshape(-1)
        found, *_ = np.linalg.lstsq(factors, expected, rcond=None)
        assert np.exp(-0.4) < found[0] < np.exp(0.4)
        assert np.abs(found[1:3]).max() < 0.4
        assert np.abs(found[3:]).max() < 0.55
        residual = np.exp(factors @ found) - np.exp(expected)
        assert residual.std() < 0.02  # the noise has 0.015


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"images": np.zeros((2, 16, 16, 3), np.float32)},
            r"uint8 \[N, H, W, 3\], got float32 \(2, 16, 16, 3\)",
        ),
        ({"parts": np.zeros((2, 16, 8), np.uint8)}, r"integers \(2, 16, 16\), got uint8 \(2, 16, 8\)"),
        ({"parts": np.full((2, 16, 16), 4, np.uint8)}, r"0 .. 3, got 4 .. 4"),
        (
            {"images": np.zeros((2, 12, 16, 3), np.uint8), "parts": np.zeros((2, 12, 16), np.uint8)},
            r"multiples of 8, got \(2, 12, 16, 3\)",
        ),
    ],
)
def test_wrong_training_data_raises(change, message):
    data = {"images": np.zeros((2, 16, 16, 3), np.uint8), "parts": np.zeros((2, 16, 16), np.uint8)}
    with pytest.raises(ValueError, match=message):
        PartFeatures(width=2, num_parts=4).fit_parts(**(data | change))


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="width must be an integer from 1 to 256, got 0"):
        PartFeatures(width=0)
