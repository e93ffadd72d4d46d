"""Tests of half-steps: norms, clipping, frozen updates, and values that are not finite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.training.failure import Failure
from gfla_tf.training.half_step import HalfStep
from gfla_tf.training.update import Update

NAMES = ["loss l1", "loss style", "gradients of optimizer", "gradients of flow_optimizer"]


def variable(value):
    return keras.Variable(value) if _compat.KERAS_3 else tf.Variable(value)


def half_step(optimizers=None, clip_norm=None):
    """Two optimizers of one loss; the first has the gradient (3, 4), the second (12, 0)."""
    optimizers = [
        keras.optimizers.get(one)
        for one in optimizers or (keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    ]
    updates = [
        Update(name, one, [variable([0.0, 0.0])], clip_norm)
        for name, one in zip(("optimizer", "flow_optimizer"), optimizers, strict=True)
    ]
    return HalfStep(updates, Failure(NAMES))


def apply(step, factors=(1.0, 1.0), terms=None):
    """Applies the gradients times `factors` in a graph and returns the values of both variables."""

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            values = [tf.convert_to_tensor(update.variables[0]) for update in step.updates]
            loss = tf.reduce_sum(values[0] * (3.0, 4.0)) * factors[0]
            loss += tf.reduce_sum(values[1] * (12.0, 0.0)) * factors[1]
        step.apply(step.gradients(tape, loss), terms or {"l1": loss})

    run()
    return [np.array(update.variables[0]).tolist() for update in step.updates]


def norms(step):
    return [float(update.norm) for update in step.updates]


def test_norms_and_clipping():
    step = half_step()
    assert apply(step) == [[-3.0, -4.0], [-12.0, 0.0]]
    assert norms(step) == pytest.approx([5.0, 12.0])
    step = half_step(clip_norm=6.0)
    np.testing.assert_allclose(apply(step), [[-3.0, -4.0], [-6.0, 0.0]], rtol=1e-6)
    assert norms(step) == pytest.approx([5.0, 12.0])  # before clipping


def test_clipping_with_a_loss_scale():
    step = half_step((keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(1.0)), "sgd"), 2.5)
    assert float(step.loss_scale.value()) == 2.0**15
    np.testing.assert_allclose(apply(step)[0], [-1.5, -2.0], rtol=1e-6)
    assert norms(step) == pytest.approx([5.0, 12.0])


def test_frozen_updates():
    step = half_step((keras.optimizers.Adam(1.0), keras.optimizers.Adam(1.0)))
    step.updates[1].enabled.assign(False)
    values = apply(step)
    np.testing.assert_allclose(values, [[-1.0, -1.0], [0.0, 0.0]], atol=1e-5)
    assert [int(update.optimizer.iterations) for update in step.updates] == [1, 0]
    assert norms(step) == pytest.approx([5.0, 12.0])
    step.updates[1].enabled.assign(True)
    assert apply(step)[1] != [0.0, 0.0]


@pytest.mark.parametrize(
    ("factors", "terms", "found"),
    [
        ((np.nan, 1.0), {"l1": tf.constant(1.0)}, "gradients of optimizer"),
        ((1.0, np.inf), {"l1": tf.constant(1.0)}, "gradients of flow_optimizer"),
        ((1.0, 1.0), {"l1": tf.constant(1.0), "style": tf.constant(np.nan)}, "loss style"),
        ((np.nan, np.nan), {"l1": tf.constant(-np.inf), "style": tf.constant(np.nan)}, "loss l1"),
    ],
)
def test_a_value_that_is_not_finite_stops_all_updates(factors, terms, found):
    step = half_step()
    assert step.failure.term is None
    zeros = [[0.0, 0.0], [0.0, 0.0]]
    assert apply(step, factors, terms) == zeros
    assert step.failure.term == found
    assert apply(step) == zeros  # also later ones, until the failure is cleared
    assert apply(step, terms={"l1": tf.constant(np.nan)}) == zeros
    assert step.failure.term == found
    step.failure.clear()
    assert apply(step) == [[-3.0, -4.0], [-12.0, 0.0]]


def scaled(scale=2.0**15, growth=2000):
    wrapper = keras.mixed_precision.LossScaleOptimizer
    return wrapper(keras.optimizers.SGD(1.0), initial_scale=scale, dynamic_growth_steps=growth)


def test_an_overflow_lowers_the_shared_loss_scale():
    step = half_step((scaled(8.0), scaled(8.0)))
    for factors in ((1.0, np.inf), (np.nan, 1.0), (1.0, np.inf)):
        scale = float(step.loss_scale.value())
        assert apply(step, factors, {"l1": tf.constant(1.0)}) == [[0.0, 0.0], [0.0, 0.0]]
        assert float(step.loss_scale.value()) == scale / 2
        assert step.failure.term is None
    assert apply(step, (1.0, np.inf), {"l1": tf.constant(1.0)}) == [[0.0, 0.0], [0.0, 0.0]]
    assert step.failure.term == "gradients of flow_optimizer"  # a scale of 1 cannot be the reason


def test_the_loss_scale_grows():
    step = half_step((scaled(8.0, growth=2), "sgd"))
    scales = []
    for factor in (1.0, 1.0, 1.0, np.inf, 1.0, 1.0):
        apply(step, (1.0, factor), {"l1": tf.constant(1.0)})
        scales.append(float(step.loss_scale.value()))
    assert scales == [8.0, 16.0, 16.0, 8.0, 8.0, 16.0]


@pytest.mark.skipif(not _compat.KERAS_3, reason="an argument of Keras 3")
def test_a_constant_loss_scale():
    step = half_step((keras.optimizers.SGD(1.0, loss_scale_factor=4.0), keras.optimizers.SGD(1.0)))
    assert apply(step) == [[-3.0, -4.0], [-12.0, 0.0]]
    assert norms(step) == pytest.approx([5.0, 12.0])
    assert apply(step, (1.0, np.inf), {"l1": tf.constant(1.0)}) == [[-3.0, -4.0], [-12.0, 0.0]]
    assert step.failure.term == "gradients of flow_optimizer"
