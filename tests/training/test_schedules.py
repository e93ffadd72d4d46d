"""Tests of the learning rate schedule."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.training.schedules import SHAPES, WarmupDecay


def rates(schedule, steps):
    return np.array([float(schedule(step)) for step in steps])


@pytest.mark.parametrize("shape", SHAPES)
def test_warmup_and_decay(shape):
    schedule = WarmupDecay(0.5, 0.125, total_steps=40, shape=shape, warmup_steps=8)
    np.testing.assert_allclose(rates(schedule, range(8)), 0.5 * np.arange(1, 9) / 8, rtol=1e-6)
    middle = {"cosine": 0.3125, "linear": 0.3125, "exponential": 0.25}[shape]
    np.testing.assert_allclose(rates(schedule, [8, 24, 40, 99]), [0.5, middle, 0.125, 0.125], rtol=1e-6)
    quarter = {
        "cosine": 0.125 + 0.375 * (1 + math.sqrt(0.5)) / 2,
        "linear": 0.40625,
        "exponential": 0.5 * 0.25**0.25,
    }
    assert float(schedule(16)) == pytest.approx(quarter[shape], rel=1e-6)


def test_cosine_is_that_of_keras():
    ours = WarmupDecay(1e-3, 2e-4, total_steps=20)
    theirs = keras.optimizers.schedules.CosineDecay(1e-3, 20, alpha=0.2)
    np.testing.assert_allclose(rates(ours, range(25)), rates(theirs, range(25)), rtol=1e-6)


def test_warmup_without_decay():
    np.testing.assert_allclose(
        rates(WarmupDecay(0.1, warmup_steps=4), [0, 1, 3, 4, 1000]), [0.025, 0.05, 0.1, 0.1, 0.1], rtol=1e-6
    )


def test_an_optimizer_follows_the_schedule_and_is_saved_with_it():
    schedule = WarmupDecay(0.5, 0.1, total_steps=3, shape="linear", warmup_steps=1)
    saved = keras.optimizers.serialize(keras.optimizers.SGD(schedule))
    optimizer = keras.optimizers.deserialize(saved)
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    layer.build([None, 1])
    (variable,) = layer.trainable_variables
    seen = []
    for _ in range(4):
        before = np.array(variable).item()
        optimizer.apply_gradients([(tf.constant([[-1.0]]), variable)])
        seen.append(np.array(variable).item() - before)
    np.testing.assert_allclose(seen, [0.5, 0.5, 0.3, 0.1], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"final_learning_rate": 0.0, "total_steps": 9}, "final_learning_rate must be"),
        ({"final_learning_rate": 0.1}, "total_steps must be an integer"),
        (
            {"final_learning_rate": 0.1, "total_steps": 5, "warmup_steps": 5},
            "larger than warmup_steps, got 5 and 5",
        ),
        ({"shape": "step"}, "shape must be one of cosine, linear, exponential, got 'step'"),
        ({"warmup_steps": -1}, "warmup_steps must be"),
    ],
)
def test_invalid_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        WarmupDecay(**{"learning_rate": 0.1, **arguments})
