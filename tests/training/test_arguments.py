"""Tests of the constructors of both trainers, their configurations, and loaded trainers."""

import functools
import math

import keras
import numpy as np
import pytest

from gfla_tf.models import PRESETS, PersonImageGenerator, ResDiscriminator
from gfla_tf.training import FlowTrainer, GFLATrainer
from tests.training import small


@pytest.mark.parametrize("preset", PRESETS)
def test_the_default_sigma_is_that_of_the_model(preset):
    model = PersonImageGenerator.from_preset(preset, load_weights=False, width=4, max_width=4, flow_width=4)
    features, discriminator = small.features(), small.discriminator()
    for trainer in (
        FlowTrainer(model.flow_field_estimator, features),
        GFLATrainer(model, discriminator, features),
    ):
        assert trainer.heatmap_sigma == model.heatmap_sigma == PRESETS[preset].get("heatmap_sigma", 6.0)
    assert FlowTrainer(model.flow_field_estimator, features, heatmap_sigma=3.0).heatmap_sigma == 3.0


@functools.cache
def networks():
    return {
        "generator": small.generator(),
        "discriminator": small.discriminator(),
        "features": small.features(),
    }


def make(**arguments):
    return GFLATrainer(**{**networks(), **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heatmap_sigma": 0}, "heatmap_sigma must be a number above 0 and at most 4096, got 0"),
        ({"heatmap_sigma": math.nan}, "heatmap_sigma must be .*, got nan"),
        ({"heatmap_sigma": "6"}, "heatmap_sigma must be .*, got '6'"),
        ({"background": -1}, "background must be a number from 0 to .*, got -1"),
        ({"background": None}, "background must be .*, got None"),
        ({"loss_weights": {"l1": -1.0}}, r"loss_weights\['l1'\] must be .*, got -1"),
        ({"loss_weights": {"style": math.inf}}, r"loss_weights\['style'\] must be .*, got inf"),
        ({"loss_weights": {"l2": 1.0}}, "unknown loss_weights l2"),
        ({"gan_mode": "wgan"}, "gan_mode must be one of .*, got 'wgan'"),
        ({"features": None}, "features must be a FeatureNetwork, got None"),
        ({"generator": "fashion"}, "generator must be a PersonImageGenerator, got 'fashion'"),
        ({"discriminator": None}, "discriminator must be a ResDiscriminator, got None"),
    ],
)
def test_invalid_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_a_discriminator_of_other_channels():
    with pytest.raises(ValueError, match="discriminator must have 3 image channels as the generator, got 1"):
        make(discriminator=ResDiscriminator(num_blocks=1, image_channels=1, width=4))


def optimizer_variables(trainer):
    return [
        np.array(variable)
        for optimizer in trainer.checkpoint_optimizers()
        for variable in (optimizer.variables() if callable(optimizer.variables) else optimizer.variables)
    ]


@pytest.mark.parametrize("stage", [1, 2])
def test_a_loaded_trainer_is_compiled_and_continues(tmp_path, stage):
    """Its optimizers, their settings and their states are those of the saved trainer."""
    rates = (0.01, 0.02, 0.03)[: 1 if stage == 1 else 3]
    trainer = (small.flow_trainer, small.gfla_trainer)[stage - 1](*map(small.adam, rates))
    trainer.train_on_batch(small.batch())
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    assert loaded.run_eagerly
    assert [float(one.learning_rate) for one in loaded.checkpoint_optimizers()] == pytest.approx(rates)
    saved = optimizer_variables(trainer)
    for one, other in zip(optimizer_variables(loaded), saved, strict=True):
        np.testing.assert_array_equal(one, other)
    for each in (trainer, loaded):
        each.train_on_batch(small.batch())
    for one, other in zip(loaded.get_weights(), trainer.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("make", [small.flow_trainer, small.gfla_trainer])
def test_a_trainer_of_an_earlier_version_is_loaded_without_being_compiled(make):
    """Its file has the arguments of Keras's own `compile`, without all optimizers."""
    loaded = type(make()).from_config(make().get_config())
    first = keras.optimizers.serialize(keras.optimizers.Adam())
    loaded.compile_from_config({"optimizer": first, "loss": None, "metrics": None, "jit_compile": False})
    assert loaded.optimizer_updates is None


def test_a_trainer_that_is_not_compiled(tmp_path):
    trainer = FlowTrainer(small.generator().flow_field_estimator, small.features())
    with pytest.raises((ValueError, RuntimeError), match=r"compile"):
        trainer.fit(small.pairs(), verbose=0)
    trainer.save(tmp_path / "trainer.keras")
    with pytest.raises((ValueError, RuntimeError), match=r"compile"):
        keras.models.load_model(tmp_path / "trainer.keras").fit(small.pairs(), verbose=0)
