"""Tests of the checkpoints of a trainer; test_checkpoint_folder.py tests their files."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.errors import InputError
from gfla_tf.training.callbacks import Checkpoint
from gfla_tf.training.epoch_log import EpochLog
from tests.training import small

STEPS = 3  # per epoch


class Average(keras.callbacks.Callback):
    """A callback with a state, which its checkpoints contain."""

    def __init__(self):
        super().__init__()
        self.total = tf.Variable(0.0)

    def checkpoint_variables(self):
        return [self.total]

    def on_train_batch_end(self, batch, logs=None):
        self.total.assign_add(float(logs["loss"]))


class Stop(keras.callbacks.Callback):
    """Raises an error after a step, as a kill would end the process."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.steps_done) == self.step:
            raise ZeroDivisionError


def everything(trainer):
    optimizers = map(_compat.optimizer_variables, trainer.checkpoint_optimizers())
    return [*trainer.checkpoint_networks(), *itertools.chain(*optimizers), trainer.steps_done]


def train(trainer, folder, every="2 steps", epochs=2, stop=None):
    """Trains from the last checkpoint, in the two parts that an interrupted epoch requires."""
    average, log = Average(), EpochLog(str(folder / "log.csv"), append=(folder / "log.csv").exists())
    checkpoint = Checkpoint(folder / "checkpoints", every, callbacks=[average])
    done = checkpoint.restore(trainer)
    parts = [(done, epochs, STEPS)]
    if checkpoint.epoch_steps:
        parts = [(done, done + 1, STEPS - checkpoint.epoch_steps), (done + 1, epochs, STEPS)]
    for first, last, steps in parts:
        batches = small.people().as_dataset("train", 1, repeat=True, start=int(trainer.steps_done))
        trainer.fit(
            batches,
            initial_epoch=first,
            epochs=last,
            steps_per_epoch=steps,
            validation_data=small.pairs(1),
            shuffle=False,
            verbose=0,
            callbacks=[average, log, checkpoint, *([] if stop is None else [Stop(stop)])],
        )
    return average


def test_an_interrupted_training_equals_an_uninterrupted_one(tmp_path):
    keras.utils.set_random_seed(1)
    whole = small.flow_trainer()
    (tmp_path / "whole").mkdir()
    average = train(whole, tmp_path / "whole")
    (tmp_path / "other").mkdir()
    keras.utils.set_random_seed(1)
    with pytest.raises(ZeroDivisionError):
        train(small.flow_trainer(), tmp_path / "other", stop=5)
    keras.utils.set_random_seed(2)
    resumed = small.flow_trainer()
    assert Checkpoint(tmp_path / "other" / "checkpoints").folder.steps() == [2, 4]
    again = train(resumed, tmp_path / "other")
    for ours, theirs in zip(everything(resumed), everything(whole), strict=True):
        assert np.array(ours).tobytes() == np.array(theirs).tobytes()
    assert float(again.total) == float(average.total) > 0
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "other")]
    assert logs[0] == logs[1]
    assert logs[0].count("\n") == 3


def count(folder, every):
    """Trains a `small.Counter` for 2 epochs, and returns the steps of its checkpoints."""
    data = tf.data.Dataset.from_tensors(tf.zeros([1, 1]))
    checkpoint = Checkpoint(folder, every)
    small.Counter().fit(
        data.repeat(),
        epochs=2,
        steps_per_epoch=STEPS,
        validation_data=data,
        shuffle=False,
        verbose=0,
        callbacks=[checkpoint],
    )
    return checkpoint.folder.steps()


@pytest.mark.parametrize(
    ("every", "steps"), [(None, [3, 6]), ("2 steps", [2, 4, 6]), ("4 steps", [4, 6]), ("1 minute", [6])]
)
def test_when_checkpoints_are_written(tmp_path, every, steps):
    assert count(tmp_path, every) == steps


def test_checkpoints_in_minutes(tmp_path, monkeypatch):
    now = iter(range(0, 10**6, 25))  # read at the start, after steps and epochs, and after each checkpoint
    monkeypatch.setattr("gfla_tf.training.callbacks.checkpoint.time.monotonic", lambda: next(now))
    assert count(tmp_path, "1 minute") == [3, 6]


def test_no_checkpoint_of_an_epoch_that_another_callback_ended(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = int(self.model.steps_done) == 5

    data = tf.data.Dataset.from_tensors(tf.zeros([1, 1]))
    checkpoint = Checkpoint(tmp_path)
    small.Counter().fit(
        data.repeat(),
        epochs=3,
        steps_per_epoch=STEPS,
        shuffle=False,
        verbose=0,
        callbacks=[checkpoint, Stop()],
    )
    assert checkpoint.folder.steps() == [3]


@pytest.mark.parametrize(
    "every", ["", "5", "0 steps", "1.5 minutes", "2 hours", "-1 steps", "10000000000 steps"]
)
def test_invalid_intervals(tmp_path, every):
    with pytest.raises(ValueError, match="must be a positive whole number of steps or minutes"):
        Checkpoint(tmp_path, every)


def test_the_state_contains_all_optimizers_and_loss_scales(tmp_path):
    def make():
        with _compat.dtype_policy("mixed_float16"):
            return small.gfla_trainer(flow_optimizer=small.adam())

    first, second = make(), make()
    for variable in everything(first):
        variable.assign(np.full(variable.shape, 7, _compat.tf_variable(variable).dtype.as_numpy_dtype))
    checkpoint = Checkpoint(tmp_path)
    checkpoint.set_model(first)
    assert checkpoint.save()
    Checkpoint(tmp_path).restore(second)
    for variable in everything(second):
        np.testing.assert_array_equal(np.array(variable), 7)
    optimizers = second.checkpoint_optimizers()
    assert len(optimizers) == 3
    for optimizer in optimizers:
        scale, steps = _compat.dynamic_loss_scale(optimizer)
        assert (float(scale), int(steps), int(_compat.inner_optimizer(optimizer).iterations)) == (7.0, 7, 7)
    assert len(everything(first)) > 3 * len(first.generator.trainable_variables)


def test_values_that_are_not_finite_are_not_saved(tmp_path):
    trainer = small.flow_trainer()
    checkpoint = Checkpoint(tmp_path)
    checkpoint.set_model(trainer)
    checkpoint.params = {"steps": 1, "epochs": 9}
    networks = trainer.checkpoint_networks()
    moments = _compat.optimizer_variables(trainer.optimizer)
    for step, variable in enumerate((networks[0], moments[-1]), start=1):
        kept = np.array(variable)
        for value in (np.nan, np.inf):
            variable.assign(np.full_like(kept, value))
            trainer.stop_training = False
            trainer.steps_done.assign(step)
            checkpoint.on_epoch_end(0, {"loss": 1.0})
            assert trainer.stop_training
        variable.assign(kept)
    trainer.stop_training = False
    checkpoint.on_epoch_end(0, {"loss": float("nan")})
    assert trainer.stop_training
    assert not any(tmp_path.iterdir())
    trainer.stop_training = False
    checkpoint.on_epoch_end(0, {"loss": 1.0})
    assert not trainer.stop_training
    assert checkpoint.folder.steps() == [2]


@pytest.mark.parametrize(
    "pair", [(small.flow_trainer, small.gfla_trainer), (small.gfla_trainer, small.flow_trainer)]
)
def test_checkpoint_of_another_network(tmp_path, pair):
    saved, other = (make() for make in pair)
    checkpoint = Checkpoint(tmp_path)
    checkpoint.set_model(saved)
    checkpoint.save()
    with pytest.raises(InputError, match="step-0 belongs to another network"):
        Checkpoint(tmp_path).restore(other)
