"""Tests of saving the model of the best epoch."""

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.models import FlowFieldEstimator, PersonImageGenerator
from gfla_tf.models.archive import load_network
from gfla_tf.training.callbacks import BestModel, ExponentialMovingAverage
from tests.training import small


def saved(path, kind):
    return load_network(path, [kind]).get_weights()


def test_only_a_smaller_value_replaces_the_model(tmp_path):
    trainer = small.flow_trainer()
    estimator = trainer.flow_field_estimator
    path = tmp_path / "best.keras"
    best = BestModel(path, "val_loss")
    best.set_model(trainer)
    expected = None
    for epoch, (value, better) in enumerate([(2, 1), (3, 0), (float("nan"), 0), (1, 1), (1, 0)]):
        if epoch == 4:  # resumed
            other = BestModel(path, "val_loss")
            other.set_model(trainer)
            other.checkpoint_variables()[0].assign(best.checkpoint_variables()[0])
            best = other
        estimator.set_weights([one + 1.0 for one in estimator.get_weights()])
        if better:
            expected = estimator.get_weights()
        best.on_epoch_end(epoch, {"loss": 0.0, "val_loss": value})
        for ours, theirs in zip(saved(path, FlowFieldEstimator), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert [one.name for one in tmp_path.iterdir()] == ["best.keras"]


def test_f_and_g_with_averages(tmp_path):
    trainer = small.gfla_trainer()
    average = ExponentialMovingAverage(0.5)
    average.set_model(trainer)
    average.on_train_begin()
    start = trainer.generator.get_weights()
    trainer.generator.set_weights([one + 1.0 for one in start])
    trainer.steps_done.assign_add(1)
    average.on_train_batch_end(0)
    best = BestModel(tmp_path / "best.keras", "val_loss", average)
    best.set_model(trainer)
    best.on_epoch_end(0, {"val_loss": 1.0})
    for ours, before in zip(saved(best.path, PersonImageGenerator), start, strict=True):
        np.testing.assert_allclose(ours, before + 0.5, atol=1e-6)
    for ours, before in zip(trainer.generator.get_weights(), start, strict=True):
        np.testing.assert_array_equal(ours, before + 1.0)


def test_unknown_log_and_folder(tmp_path):
    best = BestModel(tmp_path / "missing" / "best.keras", "val_l2")
    best.set_model(small.flow_trainer())
    with pytest.raises(InputError, match="there is no log 'val_l2'; the logs of this training are val_l1"):
        best.on_epoch_end(0, {"val_l1": 1.0})
    with pytest.raises(InputError, match="there is no folder"):
        best.on_epoch_end(0, {"val_l2": 1.0})
