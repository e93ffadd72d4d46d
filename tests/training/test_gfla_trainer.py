"""Tests of `GFLATrainer`: a step against one written by hand, its logs, and that it learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat, losses
from gfla_tf.training import GFLATrainer
from gfla_tf.training.gfla_trainer import STAGE2_WEIGHTS
from tests.training import small

CORRECTNESS_LAYERS = ("relu3_1", "relu2_1")


def by_hand(outputs, features, batch, real_logits, fake_logits):
    """Returns ({name: loss}, the loss of D), computed with the functions of `gfla_tf.losses`."""
    source, target = (features(batch[f"{which}_image"]) for which in ("source", "target"))
    content, style = losses.content_and_style(features(outputs["image"]), target)
    terms = {
        "l1": tf.reduce_mean(tf.abs(outputs["image"] - batch["target_image"])),
        "correctness": tf.add_n(
            [
                losses.sampling_correctness(source[name], target[name], flow)
                for name, flow in zip(CORRECTNESS_LAYERS, outputs["flows"], strict=True)
            ]
        ),
        "regularization": tf.add_n([losses.affine_regularization(flow, 3) for flow in outputs["flows"]]),
        "adversarial": losses.adversarial(fake_logits, True, False),
        "content": content,
        "style": style,
    }
    discriminator_loss = 0.5 * (
        losses.adversarial(real_logits, True, True) + losses.adversarial(fake_logits, False, True)
    )
    return terms, discriminator_loss


def test_losses_equal_library_functions():
    trainer = small.gfla_trainer()
    batch = small.batch(heatmaps=True)
    logs = trainer.evaluate(small.pairs(), verbose=0, return_dict=True)
    outputs = trainer.generator(batch)
    logits = [trainer.discriminator(image) for image in (batch["target_image"], outputs["image"])]
    terms, discriminator_loss = by_hand(outputs, trainer.features, batch, *logits)
    assert set(logs) == {"loss", "discriminator", *STAGE2_WEIGHTS}
    for name, term in terms.items():
        assert logs[name] == pytest.approx(float(term), rel=1e-4), name
    assert logs["discriminator"] == pytest.approx(float(discriminator_loss), rel=1e-5)
    paper = {
        "l1": 5,
        "correctness": 5,
        "regularization": 0.0025,
        "adversarial": 2,
        "content": 0.5,
        "style": 500,
    }
    assert logs["loss"] == pytest.approx(sum(paper[name] * logs[name] for name in paper), rel=1e-5)


def test_a_step_equals_one_by_hand():
    """Forward, D on (real, detached fake), then F and G with the updated D: as by hand."""
    rate, discriminator_rate = 0.1, 0.05
    trainer = small.gfla_trainer(keras.optimizers.SGD(rate), keras.optimizers.SGD(discriminator_rate))
    f_and_g, d = small.generator(), small.discriminator()
    f_and_g.set_weights(trainer.generator.get_weights())
    d.set_weights(trainer.discriminator.get_weights())
    trainer.fit(small.pairs(), verbose=0)

    batch = small.batch(heatmaps=True)
    fake = tf.constant(f_and_g(batch, training=True)["image"])
    with tf.GradientTape() as tape:
        real_logits, fake_logits = d(batch["target_image"], training=True), d(fake, training=True)
        _, loss = by_hand(f_and_g(batch), trainer.features, batch, real_logits, fake_logits)
    for variable, gradient in zip(
        d.trainable_variables, tape.gradient(loss, d.trainable_variables), strict=True
    ):
        variable.assign_sub(discriminator_rate * gradient)
    variables = f_and_g.trainable_variables
    with tf.GradientTape() as tape:
        outputs = f_and_g(batch, training=True)
        logits = d(outputs["image"], training=True)
        terms, _ = by_hand(outputs, trainer.features, batch, real_logits, logits)
        loss = tf.add_n([STAGE2_WEIGHTS[name] * term for name, term in terms.items()])
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(rate * gradient)

    for ours, theirs in ((trainer.generator, f_and_g), (trainer.discriminator, d)):
        for variable, expected in zip(ours.variables, theirs.variables, strict=True):
            np.testing.assert_allclose(np.array(variable), np.array(expected), rtol=1e-4, atol=2e-6)


@pytest.mark.slow
def test_a_step_changes_only_f_g_and_d():
    trainer = small.gfla_trainer(run_eagerly=False)
    groups = {
        "F": trainer.generator.flow_field_estimator.trainable_variables,
        "G": trainer.generator.target_image_generator.trainable_variables,
        "D": trainer.discriminator.trainable_variables,
    }
    before = {name: small.values(group) for name, group in groups.items()}
    fixed = small.values(trainer.features.variables)
    trainer.fit(small.pairs(), epochs=2, verbose=0)
    for name, group in groups.items():
        assert all(small.changed(before[name], group)), name
    assert not any(small.changed(fixed, trainer.features.variables))


def test_unused_source_blocks_are_not_trained():
    arguments = {**small.ARGUMENTS, "attention_layers": {1: 3}}
    generator = small.generator(**arguments)
    trainer = GFLATrainer(generator, small.discriminator(), small.features(), heatmap_sigma=small.SIGMA)
    trainer.compile(small.adam(), small.adam(), run_eagerly=True)
    g = generator.target_image_generator
    unused = g.source_encoder[1].trainable_variables
    assert len(g.trained_variables) + len(unused) == len(g.trainable_variables)
    before = small.values(unused)
    trainer.fit(small.pairs(), verbose=0)
    assert not any(small.changed(before, unused))


def test_flow_optimizer():
    trainer = small.gfla_trainer(flow_optimizer=keras.optimizers.SGD(0.0))
    f, g = trainer.generator.flow_field_estimator, trainer.generator.target_image_generator
    before = small.values(f.variables), small.values(g.trainable_variables)
    trainer.fit(small.pairs(), verbose=0)
    assert not any(small.changed(before[0], f.variables))
    assert all(small.changed(before[1], g.trainable_variables))
    assert len(trainer.checkpoint_optimizers()) == 3


def test_loss_weights():
    trainer = small.gfla_trainer(loss_weights={"style": 0.0, "l1": 1.0})
    assert trainer.loss_weights == {**STAGE2_WEIGHTS, "style": 0.0, "l1": 1.0}
    with pytest.raises(ValueError, match="unknown loss_weights gan; the losses are l1, correctness"):
        small.gfla_trainer(loss_weights={"gan": 1.0})


@pytest.mark.parametrize("mode", ["vanilla", "hinge"])
def test_other_adversarial_losses(mode):
    trainer, batch = small.gfla_trainer(gan_mode=mode), small.batch(heatmaps=True)
    logs = trainer.evaluate(small.pairs(), verbose=0, return_dict=True)
    images = (batch["target_image"], trainer.generator(batch)["image"])
    real, fake = (trainer.discriminator(image) for image in images)
    assert logs["adversarial"] == pytest.approx(float(losses.adversarial(fake, True, False, mode)), rel=1e-4)
    terms = losses.adversarial(real, True, True, mode) + losses.adversarial(fake, False, True, mode)
    assert logs["discriminator"] == pytest.approx(0.5 * float(terms), rel=1e-4)
    before = small.values(trainer.discriminator.trainable_variables)
    trainer.fit(small.pairs(), verbose=0)
    assert any(small.changed(before, trainer.discriminator.trainable_variables))


def test_unknown_gan_mode():
    with pytest.raises(ValueError, match="gan_mode must be one of lsgan, vanilla, hinge, got 'wgan'"):
        small.gfla_trainer(gan_mode="wgan")


def test_keypoints_equal_pose_maps():
    trainer = small.gfla_trainer()
    maps = trainer.evaluate(small.pairs(heatmaps=True), verbose=0, return_dict=True)
    points = trainer.evaluate(small.pairs(heatmaps=False), verbose=0, return_dict=True)
    assert maps == pytest.approx(points, rel=1e-6)


def test_flow_error_needs_the_true_flow():
    logs = small.gfla_trainer().evaluate(small.pairs(truth=True), verbose=0, return_dict=True)
    assert logs["flow_error"] == pytest.approx(1.0, abs=1e-3)


def test_train_on_batch():
    trainer = small.gfla_trainer()
    expected = trainer.evaluate(small.pairs(), verbose=0, return_dict=True)
    assert trainer.test_on_batch(small.batch(), return_dict=True) == pytest.approx(expected, rel=1e-5)
    before = small.values(trainer.generator.trainable_variables)
    logs = trainer.train_on_batch(small.batch(), return_dict=True)
    assert logs["l1"] == pytest.approx(expected["l1"], rel=1e-4)  # the logs are of the forward pass
    assert any(small.changed(before, trainer.generator.trainable_variables))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    with _compat.dtype_policy(policy):
        trainer = small.gfla_trainer(run_eagerly=False)
    reference = small.gfla_trainer()  # float32
    reference.generator.set_weights(trainer.generator.get_weights())
    reference.discriminator.set_weights(trainer.discriminator.get_weights())
    expected = reference.evaluate(small.pairs(), verbose=0, return_dict=True)
    groups = (trainer.generator.trainable_variables, trainer.discriminator.trainable_variables)
    before = [small.values(group) for group in groups]
    steps = 8 if policy == "mixed_float16" else 2  # the loss scale starts too high and is halved
    logs = trainer.fit(small.pairs().repeat(), steps_per_epoch=steps, verbose=0).history
    for name in (
        "l1",
        "correctness",
        "content",
        "style",
    ):  # means over a few steps with a small learning rate
        assert logs[name][0] == pytest.approx(expected[name], rel=0.1), name
    for old, group in zip(before, groups, strict=True):
        assert {value.dtype for value in old} == {np.dtype(np.float32)}
        assert np.mean(small.changed(old, group)) > 0.9
        assert all(np.isfinite(value).all() for value in small.values(group))


def test_saving_and_loading(tmp_path):
    trainer = small.gfla_trainer(gan_mode="hinge", loss_weights={"l1": 3.0})
    trainer.fit(small.pairs(), verbose=0)
    logs = trainer.evaluate(small.pairs(), verbose=0, return_dict=True)
    trainer.save_weights(tmp_path / "trainer.weights.h5")
    other = small.gfla_trainer(gan_mode="hinge", loss_weights={"l1": 3.0})
    other.load_weights(tmp_path / "trainer.weights.h5")
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras", compile=False)
    assert isinstance(loaded, GFLATrainer)
    loaded.compile(small.adam(), small.adam(), run_eagerly=True)
    for again in (other, loaded):
        assert again.evaluate(small.pairs(), verbose=0, return_dict=True) == pytest.approx(logs, rel=1e-5)


def test_keras_callbacks(tmp_path):
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
        keras.callbacks.EarlyStopping("val_l1", mode="min", patience=1, min_delta=1e9),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
    ]
    options = {"validation_data": small.pairs(), "epochs": 5, "callbacks": callbacks, "verbose": 0}
    assert len(small.gfla_trainer().fit(small.pairs(), **options).history["val_l1"]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"1.weights.h5", "2.weights.h5", "log.csv"}


@pytest.mark.parametrize("left_out", ["source_image", "target_image"])
def test_invalid_batches(left_out):
    batch = {name: value for name, value in small.batch().items() if name != left_out}
    with pytest.raises(ValueError, match=f"needs {left_out}; got only"):
        small.gfla_trainer().train_on_batch(batch)
    with pytest.raises(ValueError, match="a training batch must be a dict of tensors"):
        small.gfla_trainer().train_on_batch(small.batch()["source_image"])


@pytest.mark.slow
def test_learns_four_pairs():
    trainer = small.gfla_trainer(small.adam(2e-3), run_eagerly=False)
    logs = trainer.fit(small.pairs(4).repeat(), epochs=3, steps_per_epoch=20, verbose=0).history
    for name in ("loss", "style"):
        assert logs[name][-1] < 0.85 * logs[name][0], name
