"""Tests of the steps of stage 2 in which F does not change."""

import keras
import numpy as np
import pytest

from gfla_tf.training.callbacks import FreezeFlow
from tests.training import small


def test_f_changes_after_the_given_number_of_steps():
    trainer = small.gfla_trainer(flow_optimizer=small.adam(1e-2))
    f = trainer.update_of("flow_optimizer").variables
    g = trainer.update_of("optimizer").variables
    moved = []

    def fit(steps):
        before = small.values(f), small.values(g), small.values(trainer.flow_optimizer.variables)
        callbacks = [FreezeFlow(3)]  # a new one, as in a resumed process
        trainer.fit(
            small.pairs().repeat(), steps_per_epoch=steps, callbacks=callbacks, shuffle=False, verbose=0
        )
        assert any(small.changed(before[1], g))
        moved.append((any(small.changed(before[0], f)), int(np.array(trainer.flow_optimizer.iterations))))

    for steps in (1, 2, 1):
        fit(steps)
    assert moved == [(False, 0), (False, 0), (True, 1)]
    assert bool(trainer.update_of("flow_optimizer").enabled.numpy())


def test_f_is_not_frozen_after_an_unfinished_fit_without_the_callback():
    trainer = small.gfla_trainer(flow_optimizer=small.adam())
    freeze = FreezeFlow(5)
    freeze.set_model(trainer)
    freeze.on_train_begin()
    assert not trainer.update_of("flow_optimizer").enabled.numpy()
    trainer.steps_done.assign(5)
    freeze.on_train_batch_end(4)
    assert trainer.update_of("flow_optimizer").enabled.numpy()
    trainer.steps_done.assign(0)
    freeze.on_train_begin()
    freeze.on_train_end()
    assert trainer.update_of("flow_optimizer").enabled.numpy()


def test_f_is_not_frozen_after_a_fit_that_raised_an_exception():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            assert not trainer.update_of("flow_optimizer").enabled.numpy()
            raise KeyboardInterrupt

    trainer = small.gfla_trainer(flow_optimizer=small.adam())
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(small.pairs(), callbacks=[FreezeFlow(5), Stop()], verbose=0)
    assert trainer.update_of("flow_optimizer").enabled.numpy()


def test_a_trainer_without_a_flow_optimizer():
    freeze = FreezeFlow(5)
    freeze.set_model(small.gfla_trainer())
    with pytest.raises(ValueError, match=r"give flow_optimizer to GFLATrainer\.compile"):
        freeze.on_train_begin()
    with pytest.raises(ValueError, match="steps must be an integer"):
        FreezeFlow(-1)
