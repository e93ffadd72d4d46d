"""Tests of the moving averages of the weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.training.callbacks import ExponentialMovingAverage, SampleGrid, TensorBoardLog
from tests.training import small


class Weights(keras.callbacks.Callback):
    """Records the values of variables after each step, and what the validation sees."""

    def __init__(self, variables, fail=False):
        super().__init__()
        self.variables, self.fail = variables, fail
        self.steps, self.validation = [], None

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(small.values(self.variables))

    def on_test_batch_end(self, batch, logs=None):
        self.validation = small.values(self.variables)
        if self.fail:
            raise KeyboardInterrupt


def averages_of(start, steps, decay):
    """The formula of the class, in float64."""
    average = [one.astype(np.float64) for one in start]
    for weights in steps:
        average = [decay * a + (1 - decay) * w for a, w in zip(average, weights, strict=True)]
    return average


def check(variables, expected):
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(np.array(variable), value, rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def trainer():
    return small.traced_trainer()


def variables_of(trainer):
    return trainer.optimizer_updates.by_name["optimizer"].variables


def train(trainer, average, steps, epochs=1, fail=False):
    weights = Weights(variables_of(trainer), fail)
    trainer.fit(
        small.pairs().repeat(),
        steps_per_epoch=steps,
        epochs=epochs,
        validation_data=small.pairs(),
        callbacks=[average, weights],
        shuffle=False,
        verbose=0,
    )
    return weights


def test_averages_are_validated_and_in_the_model_at_the_end(trainer):
    variables = variables_of(trainer)
    start = small.values(variables)
    average = ExponentialMovingAverage(0.75)
    weights = train(trainer, average, 2, epochs=2)
    expected = averages_of(start, weights.steps, 0.75)
    assert len(weights.steps) == 4
    assert all(small.changed(weights.steps[-1], variables))
    check(variables, expected)
    check([tf.constant(one) for one in weights.validation], expected)
    for _ in range(2):
        average.use_weights()
        assert not any(small.changed(weights.steps[-1], variables))
    with average.averaged():
        check(variables, expected)
    assert not any(small.changed(weights.steps[-1], variables))


def test_training_continues_from_the_weights_also_after_an_interrupted_validation(trainer):
    variables = variables_of(trainer)
    start = small.values(variables)
    average = ExponentialMovingAverage(0.5)
    first = train(trainer, average, 1)
    assert all(small.changed(first.steps[-1], variables))
    with pytest.raises(KeyboardInterrupt):
        train(trainer, average, 1, fail=True)
    state = [np.array(one) for one in average.checkpoint_variables()]

    restored = ExponentialMovingAverage(0.5)  # as after a checkpoint of this moment
    restored.set_model(trainer)
    for variable, value in zip(restored.checkpoint_variables(), state, strict=True):
        variable.assign(value)
    restored.on_train_begin()
    before = small.values(variables)
    last = train(trainer, restored, 1)
    steps = [*first.steps, before, *last.steps]
    assert all(small.changed(first.steps[-1], [tf.constant(one) for one in before]))
    check(variables, averages_of(start, steps, 0.5))
    logs = trainer.evaluate(small.pairs(), callbacks=[restored], verbose=0, return_dict=True)
    with restored.averaged():
        assert logs == trainer.evaluate(small.pairs(), verbose=0, return_dict=True)
    check(variables, averages_of(start, steps, 0.5))


def step(trainer, variables, average):
    """What a step does to F and G, without its time."""
    trainer.steps_done.assign_add(1)
    for variable in variables:
        variable.assign(np.array(variable) + 1.0)
    average.on_train_batch_end(0)


def test_only_f_and_g_are_averaged():
    trainer = small.gfla_trainer(flow_optimizer=small.adam())
    f_and_g, d = trainer.generator.trainable_variables, trainer.discriminator.variables
    trained = [one for name in ("optimizer", "flow_optimizer") for one in trainer.update_of(name).variables]
    assert {id(one) for one in trained} <= {id(one) for one in f_and_g}
    start, rest = small.values(trained), small.values(d)
    average = ExponentialMovingAverage(0.5)
    average.set_model(trainer)
    average.on_train_begin()
    step(trainer, [*trained, *d], average)
    average.on_train_end()
    check(trained, [one + 0.5 for one in start])
    check(d, [one + 1.0 for one in rest])


def test_samples_are_those_of_the_averages(trainer, tmp_path):
    variables, batch = variables_of(trainer), small.batch()
    start = small.values(variables)
    average = ExponentialMovingAverage(0.5)
    average.set_model(trainer)
    average.on_train_begin()
    step(trainer, variables, average)
    outputs, seen = trainer.pictures(batch), []

    def pictures(batch):
        seen.append(small.values(variables))
        return outputs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "pictures", pictures)
        for callback in (
            SampleGrid(tmp_path, batch, pictures, average),
            TensorBoardLog(tmp_path / "logs", batch=batch, average=average),
        ):
            callback.set_model(trainer)
            callback.on_epoch_end(0, {})
            check([tf.constant(one) for one in seen.pop()], [one + 0.5 for one in start])
            check(variables, [one + 1.0 for one in start])


def test_several_steps_at_once_and_mirrored_variables():
    """The weights after three steps enter as if they had been those of all three."""
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        trainer = small.flow_trainer()
    variables = variables_of(trainer)
    start = small.values(variables)
    average = ExponentialMovingAverage(0.5)
    average.set_model(trainer)
    average.on_train_begin()
    trainer.steps_done.assign_add(2)
    step(trainer, variables, average)
    average.on_train_batch_end(2)  # no step in between
    average.on_train_end()
    check(variables, [one + 0.875 for one in start])
    average.use_weights()
    check(variables, [one + 1.0 for one in start])


def test_without_a_training_there_are_no_averages(trainer):
    before = small.values(trainer.flow_field_estimator.variables)
    average = ExponentialMovingAverage(0.5)
    average.use_averages()
    trainer.evaluate(small.pairs(), callbacks=[average], verbose=0)
    average.use_averages()
    assert not any(small.changed(before, trainer.flow_field_estimator.variables))


@pytest.mark.parametrize("decay", [0, 1, 2.0, True, "0.9"])
def test_invalid_decay(decay):
    with pytest.raises(ValueError, match="decay must be"):
        ExponentialMovingAverage(decay)
