"""Losses compared with the released program: values within 1e-5, gradients within 1e-3 of the largest."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import features, losses
from tests.golden import recipe

SHAPE = (2, 64, 64, 3)


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(recipe.__file__).parent / "losses.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    path = tmp_path_factory.mktemp("vgg") / "vgg19.npz"
    np.savez(path, **recipe.vgg19_weights())
    return features.VGG19Features(path)


@pytest.fixture(scope="module")
def source_features(vgg):
    return vgg.features(recipe.image("source", SHAPE), ["relu3_1", "relu4_1"])


@pytest.fixture(scope="module")
def target_features(vgg):
    return vgg(recipe.image("target", SHAPE))


@pytest.fixture
def flows():
    return [
        tf.Variable(recipe.tensor("loss_flow_0", (2, 8, 8, 2)) * 2),
        tf.Variable(recipe.tensor("loss_flow_1", (2, 16, 16, 2)) * 3),
    ]


def assert_gradient(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


def correctness(source, target, flows, mask=None):
    return sum(
        losses.sampling_correctness(source[name], target[name], flow, mask)
        for name, flow in zip(("relu4_1", "relu3_1"), flows, strict=True)
    )


@pytest.mark.usefixtures("implementation")
def test_sampling_correctness(golden, source_features, target_features, flows):
    with tf.GradientTape() as tape:
        loss = correctness(source_features, target_features, flows)
    np.testing.assert_allclose(loss, golden["correctness"], rtol=1e-5)
    for i, gradient in enumerate(tape.gradient(loss, flows)):
        assert_gradient(gradient, golden[f"correctness_grad_flow_{i}"])


@pytest.mark.usefixtures("implementation")
def test_masked_sampling_correctness(golden, source_features, target_features, flows):
    mask = recipe.tensor("loss_mask", (2, 64, 64, 1)) > 0
    loss = correctness(source_features, target_features, flows, mask)
    np.testing.assert_allclose(loss, golden["correctness_masked"], rtol=1e-5)


def test_affine_regularization(golden, flows):
    with tf.GradientTape() as tape:
        loss = sum(losses.affine_regularization(flow, n) for flow, n in zip(flows, (3, 5), strict=True))
    np.testing.assert_allclose(loss, golden["affine_regularization"], rtol=1e-5)
    for i, gradient in enumerate(tape.gradient(loss, flows)):
        assert_gradient(gradient, golden[f"affine_grad_flow_{i}"])


def test_content_and_style(golden, vgg, target_features):
    image = tf.Variable(recipe.image("generated", SHAPE))
    names = {*vgg.content_layers, *vgg.style_layers}
    with tf.GradientTape() as tape:
        content, style = losses.content_and_style(vgg.features(image, names), target_features)
        loss = 0.5 * content + 500.0 * style
    np.testing.assert_allclose(content, golden["content"], rtol=1e-5)
    np.testing.assert_allclose(style, golden["style"], rtol=1e-5)
    assert_gradient(tape.gradient(loss, image), golden["content_style_grad_image"])


@pytest.mark.parametrize("mode", ["lsgan", "hinge"])
@pytest.mark.parametrize(
    ("term", "is_real", "for_discriminator"),
    [("real_dis", True, True), ("fake_dis", False, True), ("gen", True, False)],
)
def test_adversarial(golden, mode, term, is_real, for_discriminator):
    loss = losses.adversarial(recipe.tensor("logits", (2, 1, 8, 8)), is_real, for_discriminator, mode)
    np.testing.assert_allclose(loss, golden[f"{mode}_{term}"], rtol=1e-5)
