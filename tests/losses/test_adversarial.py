"""adversarial: formulas, special cases, errors."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.losses import adversarial

LOGITS = np.random.default_rng(0).standard_normal((2, 3, 4, 1)) * 3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("mode", "is_real", "for_discriminator", "expected"),
    [
        ("lsgan", True, True, np.mean((LOGITS - 1) ** 2)),
        ("lsgan", False, True, np.mean(LOGITS**2)),
        ("lsgan", True, False, np.mean((LOGITS - 1) ** 2)),
        ("vanilla", True, True, -np.mean(np.log(sigmoid(LOGITS)))),
        ("vanilla", False, True, -np.mean(np.log(1 - sigmoid(LOGITS)))),
        ("vanilla", True, False, -np.mean(np.log(sigmoid(LOGITS)))),
        ("hinge", True, True, np.mean(np.maximum(1 - LOGITS, 0))),
        ("hinge", False, True, np.mean(np.maximum(1 + LOGITS, 0))),
        ("hinge", True, False, -np.mean(LOGITS)),
    ],
)
def test_equals_the_formula(mode, is_real, for_discriminator, expected):
    np.testing.assert_allclose(adversarial(LOGITS, is_real, for_discriminator, mode), expected, rtol=1e-10)
    analytic, numeric = tf.test.compute_gradient(
        lambda logits: adversarial(logits, is_real, for_discriminator, mode),
        [tf.constant(LOGITS)],
        delta=1e-5,
    )
    np.testing.assert_allclose(analytic[0], numeric[0], atol=1e-8)


def test_large_logits_stay_finite():
    assert adversarial(np.float32([1e4, -1e4]), True, True, "vanilla") == 5000


def test_half_precision_is_widened():
    assert adversarial(tf.constant([300.0], tf.float16), False, True) == 9e4


@pytest.mark.parametrize("mode", ["lsgan", "vanilla", "hinge"])
def test_empty_logits_have_no_loss(mode):
    assert adversarial(np.zeros((0, 4, 4, 1), np.float32), True, True, mode) == 0


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="lsgan, vanilla, hinge, got 'wgan'"):
        adversarial(LOGITS, True, True, "wgan")
    with pytest.raises(ValueError, match="is_real=True"):
        adversarial(LOGITS, False, False, "hinge")
