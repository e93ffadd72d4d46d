"""Tests of building models, features and trainers, and of loading initial weights."""

import numpy as np
import pytest

from gfla_tf import models
from gfla_tf.config import Config, FeaturesConfig, FlowTrainingConfig, GFLATrainingConfig, ModelConfig
from gfla_tf.errors import InputError
from gfla_tf.models.archive import load_network
from gfla_tf.training.build import build_trainers, load_initial_weights
from tests.training import small


def trained(network):
    """Returns the network with random weights of a fixed seed."""
    rng = np.random.default_rng(0)
    network.set_weights([rng.standard_normal(value.shape) for value in network.get_weights()])
    return network


def config(**model):
    return Config(model=ModelConfig(**model))


def test_initial_weights_of_f_g_and_d(tmp_path):
    g, d = trained(small.generator()), trained(small.discriminator())
    g.save(tmp_path / "g.keras")
    d.save(tmp_path / "d.keras")
    names = {"weights": str(tmp_path / "g.keras"), "discriminator_weights": str(tmp_path / "d.keras")}
    model, discriminator = small.generator(), small.discriminator()
    load_initial_weights(config(**names), model, discriminator)
    for new, old in ((model, g), (discriminator, d)):
        for a, b in zip(new.get_weights(), old.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_initial_weights_of_f_only(tmp_path):
    f = trained(models.FlowFieldEstimator({2: 5, 1: 5}, width=8, max_width=16, encoder_layers=3))
    f.save(tmp_path / "f.keras")
    model, discriminator = small.generator(), small.discriminator()
    before = small.values([*model.target_image_generator.variables, *discriminator.variables])
    load_initial_weights(config(weights=str(tmp_path / "f.keras")), model, discriminator)
    for a, b in zip(model.flow_field_estimator.get_weights(), f.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any(small.changed(before, [*model.target_image_generator.variables, *discriminator.variables]))


def test_initial_weights_of_another_network(tmp_path):
    small.generator().save(tmp_path / "g.keras")
    small.generator(width=4, average_attention=False).save(tmp_path / "other.keras")
    models.ResDiscriminator(3, width=4, max_width=8).save(tmp_path / "d.keras")
    model, discriminator = small.generator(), small.discriminator()
    before = small.values([*model.variables, *discriminator.variables])
    good, other, d = (str(tmp_path / f"{name}.keras") for name in ("g", "other", "d"))
    for names, said in [
        ({"weights": other}, r"other.keras differs from .*: its width is 4, not 8; its average_attention is"),
        (
            {"weights": good, "discriminator_weights": d},
            r"d.keras differs from .*: its num_blocks is 3, not 2",
        ),
        ({"weights": d}, "is not a PersonImageGenerator or FlowFieldEstimator"),
        ({"discriminator_weights": good}, "is not a ResDiscriminator"),
        ({"weights": str(tmp_path / "absent.keras")}, "does not exist"),
    ]:
        with pytest.raises(InputError, match=said):
            load_initial_weights(config(**names), model, discriminator)
    assert not any(small.changed(before, [*model.variables, *discriminator.variables]))


def test_a_run_with_initial_weights(tmp_path):
    from gfla_tf.config import DataConfig
    from gfla_tf.training.run import train

    arguments = {"image_size": [32, 32], **small.ARGUMENTS}
    g = trained(models.PersonImageGenerator.from_preset("synthetic", load_weights=False, **arguments))
    g.save(tmp_path / "g.keras")
    run = Config(
        model=ModelConfig(overrides=arguments, weights=str(tmp_path / "g.keras")),
        data=DataConfig(identities=2, test_identities=1, workers=0),
        features=FeaturesConfig(kind="parts", steps=1, width=4),
        stage1=FlowTrainingConfig(epochs=0),
        stage2=GFLATrainingConfig(epochs=0),
        batch_size=2,
    )
    train(run, tmp_path / "run")
    saved = load_network(tmp_path / "run" / "model.keras", [models.PersonImageGenerator])
    for a, b in zip(saved.get_weights(), g.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_optimizers_follow_the_settings_of_their_stage():
    settings = GFLATrainingConfig(
        epochs=2,
        steps_per_epoch=10,
        learning_rate=0.1,
        final_learning_rate=0.05,
        schedule="linear",
        warmup_steps=4,
        flow_learning_rate=0.02,
        discriminator_learning_rate=0.3,
        freeze_flow_steps=8,
    )
    config = Config(
        model=ModelConfig(overrides=small.ARGUMENTS),
        stage1=FlowTrainingConfig(learning_rate=0.4),
        stage2=settings,
    )
    first, second = build_trainers(config, small.features(), small.generator())
    rates = {
        name: [float(one._learning_rate(step)) for step in (0, 4, 12, 20)]
        for name in ("optimizer", "flow_optimizer")
        for one in [second.update_of(name).optimizer]
    }
    assert rates["optimizer"] == pytest.approx([0.025, 0.1, 0.075, 0.05])
    assert rates["flow_optimizer"] == pytest.approx([0.005, 0.02, 0.01, 0.01])  # counts 12 steps
    assert float(np.array(second.discriminator_optimizer.learning_rate)) == pytest.approx(0.3)
    assert float(np.array(first.optimizer.learning_rate)) == pytest.approx(0.4)
