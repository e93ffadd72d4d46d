"""Tests of the pairs of an optimizer and its variables, and of what Keras does with them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.training.update import Update
from gfla_tf.training.updates import get_optimizers
from tests.training import small
from tests.training.test_compile import averaging, flow_trainer, gfla_trainer, networks


def variables(*values):
    return [keras.Variable(value) if _compat.KERAS_3 else tf.Variable(value) for value in values]


def apply(update, steps):
    """Applies gradients of 1 and returns the values of the first variable after each step."""
    values = []
    for _ in range(steps):
        gradients = [tf.ones(variable.shape) for variable in update.variables]
        update.apply(gradients, update.measure(gradients, 1.0), 1.0)
        values.append(float(update.variables[0]))
    return values


def sgd(**options):
    return keras.optimizers.SGD(1.0, ema_momentum=0.5, use_ema=True, **options)


def test_averages_overwrite_the_variables_every_second_step():
    update = Update("optimizer", sgd(ema_overwrite_frequency=2), variables(0.0))
    values = apply(update, 4)
    # Keras 3 starts with the value after the first step, Keras 2 with that before it.
    assert values == pytest.approx(
        [-1.0, -1.5, -2.5, -2.75] if _compat.KERAS_3 else [-1.0, -1.25, -2.25, -2.5]
    )


def test_averages_are_not_used_before_the_first_update():
    update = Update("optimizer", sgd(), variables(3.0))
    update.finalize()
    assert float(update.variables[0]) == 3.0
    apply(update, 2)
    update.finalize()
    assert float(update.variables[0]) == pytest.approx(1.5 if _compat.KERAS_3 else 1.75)


def test_an_optimizer_of_other_variables():
    optimizer, (a, b) = keras.optimizers.Adam(), variables(0.0, 0.0)
    Update("optimizer", optimizer, [a])
    Update("optimizer", optimizer, [a])
    for others in ([a, b], [b], []):
        with pytest.raises(ValueError, match="optimizer was already used for other variables"):
            Update("optimizer", optimizer, others)


def test_the_variables_are_final_at_the_end_of_training():
    """As in Keras, so that callbacks such as EarlyStopping can restore other weights then."""

    class Restore(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.start = trainer.get_weights()

        def on_train_end(self, logs=None):
            trainer.set_weights(self.start)

    trainer, restore = flow_trainer(), Restore()
    trainer.compile(averaging(), run_eagerly=True)
    trainer.fit(small.pairs(), verbose=0, callbacks=[restore])
    for one, other in zip(trainer.get_weights(), restore.start, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not _compat.KERAS_3, reason="Keras 2 has no SwapEMAWeights")
def test_swap_ema_weights_swaps_every_network():
    averages = {}

    class Record(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            for name, network in networks(trainer).items():
                averages[name] = small.values(network.trainable_variables)

    trainer = gfla_trainer()
    trainer.compile(averaging(), averaging(), averaging(), run_eagerly=True)
    for _ in range(2):
        trainer.train_on_batch(small.batch())
    before = {name: small.values(net.trainable_variables) for name, net in networks(trainer).items()}
    trainer.evaluate(small.pairs(), verbose=0, callbacks=[keras.callbacks.SwapEMAWeights(), Record()])
    for name, update in zip("GDF", trainer.optimizer_updates.by_name.values(), strict=True):
        for one, other in zip(averages[name], update.optimizer._model_variables_moving_average, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
        assert any(small.changed(averages[name], networks(trainer)[name].trainable_variables)), name
        for one, other in zip(before[name], networks(trainer)[name].trainable_variables, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)  # and swaps back


def scaling():
    """Optimizers that scale the loss."""
    forms = [keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD())]
    if _compat.KERAS_3:
        scaled = keras.optimizers.SGD(loss_scale_factor=8.0)
        forms += [scaled, keras.optimizers.serialize(scaled)]
    return forms


def test_flow_optimizers_share_the_loss_scale():
    """F and G have the gradients of one loss: one scale, whichever optimizer has it, or none that differ."""
    trainer = gfla_trainer()
    wrapper = keras.mixed_precision.LossScaleOptimizer
    for kind in range(len(scaling())):
        for order in ((0, 1, 2), (2, 1, 0)):
            form = scaling()[kind]
            trainer.compile(*((form, "sgd", "sgd")[index] for index in order))
            assert float(trainer.half_step("loss").loss_scale.value()) in (8.0, 2.0**15)
            assert float(trainer.half_step("discriminator").loss_scale.value()) == 1.0
    first, second = (wrapper(keras.optimizers.SGD(), initial_scale=scale) for scale in (4.0, 8.0))
    with pytest.raises(ValueError, match="optimizer and flow_optimizer have gradients of one loss and must"):
        trainer.compile(first, "sgd", second)
    wrapped = keras.optimizers.SGD()
    with pytest.raises(ValueError, match="one instance is given twice"):
        trainer.compile(wrapped, wrapper(wrapped))


@pytest.mark.parametrize("options", [{"loss": "mse"}, {"metrics": ["mae"]}, {"loss_weights": {"l1": 2.0}}])
def test_compile_refuses_what_it_does_not_use(options):
    with pytest.raises(ValueError, match=f"compile does not use {next(iter(options))}"):
        flow_trainer().compile("sgd", **options)


def test_other_kinds_of_optimizers():
    with pytest.raises(ValueError, match=r"keras\.optimizers\.Optimizer|optimizer identifier"):
        get_optimizers({"optimizer": keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.9)})
