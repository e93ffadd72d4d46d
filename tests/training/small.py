"""Small networks, features and datasets for the tests of training."""

import functools

import keras
import numpy as np

from gfla_tf import models
from gfla_tf.data import SyntheticPeople
from gfla_tf.features import VGG19Features
from gfla_tf.training import FlowTrainer, GFLATrainer

SIGMA = 2.0

ARGUMENTS = {
    "attention_layers": {2: 3, 1: 3},
    "width": 8,
    "max_width": 16,
    "num_layers": 2,
    "attention_hidden": 8,
    "flow_width": 8,
    "flow_max_width": 16,
    "flow_encoder_layers": 3,
}


def generator(**overrides):
    return models.PersonImageGenerator(
        **{"image_size": (32, 32), "heatmap_sigma": SIGMA, **ARGUMENTS, **overrides}
    )


def discriminator():
    return models.ResDiscriminator(num_blocks=2, width=4, max_width=8)


def features():
    return VGG19Features("random", width_multiplier=1 / 16)


def flow_trainer(optimizer=None, run_eagerly=True, **arguments):
    trainer = FlowTrainer(
        generator().flow_field_estimator, features(), **{"heatmap_sigma": SIGMA, **arguments}
    )
    trainer.compile(optimizer or adam(), run_eagerly=run_eagerly)
    return trainer


@functools.cache
def traced_trainer():
    """Returns a FlowTrainer with compiled steps, which tests share; each changes its weights."""
    return flow_trainer(adam(1e-2), run_eagerly=False)


def gfla_trainer(
    optimizer=None, discriminator_optimizer=None, flow_optimizer=None, run_eagerly=True, **arguments
):
    trainer = GFLATrainer(generator(), discriminator(), features(), **{"heatmap_sigma": SIGMA, **arguments})
    trainer.compile(
        optimizer or adam(), discriminator_optimizer or adam(1e-5), flow_optimizer, run_eagerly=run_eagerly
    )
    return trainer


def adam(rate=1e-4):
    return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.999)


@functools.cache
def people():
    return SyntheticPeople((32, 32), identities={"train": 2, "test": 1}, images_per_identity=2)


def pairs(count=2, **options):
    """Returns a dataset with one batch of `count` pairs, at most 4."""
    return people().as_dataset("train", count, shuffle=False, **options).take(1).cache()


def batch(count=2, **options):
    return next(iter(pairs(count, **options)))


def values(variables):
    return [np.array(variable.numpy()) for variable in variables]


def changed(before, variables):
    """Returns for each variable whether it differs from its value before."""
    return [not np.array_equal(old, np.array(new)) for old, new in zip(before, variables, strict=True)]
