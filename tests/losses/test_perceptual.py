"""content_and_style: definition in NumPy, numeric gradients, special cases, errors."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.losses import content_and_style

LAYERS = {"content_layers": ["relu1_1", "relu2_1"], "style_layers": ["relu2_2"]}


def maps(seed, batch=2):
    rng = np.random.default_rng(seed)
    shapes = {"relu1_1": (batch, 4, 6, 3), "relu2_1": (batch, 2, 3, 5), "relu2_2": (batch, 2, 3, 5)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def gram(features):
    flat = features.reshape(features.shape[0], -1, features.shape[-1])
    return np.einsum("bnc,bnd->bcd", flat, flat) / flat[0].size


def test_equals_the_definition():
    generated, target = maps(0), maps(1)
    content, style = content_and_style(generated, target, **LAYERS)
    expected = sum(np.abs(generated[name] - target[name]).mean() for name in LAYERS["content_layers"])
    np.testing.assert_allclose(content, expected, rtol=1e-12)
    np.testing.assert_allclose(
        style, np.abs(gram(generated["relu2_2"]) - gram(target["relu2_2"])).mean(), rtol=1e-12
    )


def test_gradient_equals_the_numeric_one():
    generated, target = maps(0), maps(1)

    def loss(*values):
        return tf.add_n(content_and_style(dict(zip(generated, values, strict=True)), target, **LAYERS))

    analytic, numeric = tf.test.compute_gradient(
        loss, [tf.constant(v) for v in generated.values()], delta=1e-6
    )
    for a, n in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(a, n, atol=1e-7)


def test_target_has_no_gradient():
    target = {name: tf.Variable(value) for name, value in maps(1).items()}
    with tf.GradientTape() as tape:
        loss = tf.add_n(content_and_style(maps(0), target, **LAYERS))
    assert tape.gradient(loss, list(target.values())) == [None] * 3


def test_empty_batch_is_zero():
    assert [float(loss) for loss in content_and_style(maps(0, 0), maps(1, 0), **LAYERS)] == [0, 0]


def test_missing_layers_raise():
    with pytest.raises(ValueError, match=r"generated_features lack relu3_1, .*relu5_2; they have relu1_1"):
        content_and_style(maps(0), maps(1))
    with pytest.raises(ValueError, match="target_features lack relu2_2"):
        content_and_style(maps(0), {k: v for k, v in maps(1).items() if k != "relu2_2"}, **LAYERS)


def test_different_shapes_raise():
    with pytest.raises(ValueError, match=r"relu1_1 must agree.*\(2, 4, 6, 3\) and \(1, 4, 6, 3\)"):
        content_and_style(maps(0), maps(1, 1), **LAYERS)
