"""Small networks, features and datasets for the tests of training."""

import functools
import types

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import models
from gfla_tf.data import SyntheticPeople
from gfla_tf.features import VGG19Features
from gfla_tf.training import FlowTrainer, GFLATrainer
from gfla_tf.training.distributed_model import DistributedModel

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


class Counter(DistributedModel):
    """What the callbacks need of a trainer, with one weight that counts the steps."""

    def __init__(self):
        super().__init__()
        self.weight, self.steps_done = (tf.Variable(0, dtype=dtype) for dtype in (tf.float32, tf.int64))
        self.mean = keras.metrics.Mean(name="loss")
        self.optimizer_updates = types.SimpleNamespace(failure=types.SimpleNamespace(term=None))
        self.built = True
        self.compile("sgd", run_eagerly=True)

    @property
    def metrics(self):
        return [self.mean]

    def checkpoint_networks(self):
        return [self.weight]

    def checkpoint_optimizers(self):
        return []

    def train_step(self, data):
        self.weight.assign_add(1.0)
        self.steps_done.assign_add(1)
        return self.test_step(data)

    def test_step(self, data):
        self.mean.update_state(self.weight)
        return {"loss": self.mean.result()}


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
