"""Tests of the end of a training by patience."""

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.training.callbacks import EarlyStop
from tests.training import small


class Trainer:
    stop_training = False
    is_chief = True


def stopped(stop, values, first=0):
    """The epoch, from 1, after which a training with these values ends, None if it does not."""
    stop.set_model(Trainer())
    for epoch, value in enumerate(values, first):
        stop.on_train_begin()  # a resumed epoch is a call of `fit` of its own
        stop.on_epoch_end(epoch, {"loss": 0.0, stop.monitor: value})
        stop.on_train_end()
        if stop.model.stop_training:
            return epoch + 1
    return None


@pytest.mark.parametrize(
    ("arguments", "values", "expected"),
    [
        ({"patience": 1}, [3, 2, 1], None),
        ({"patience": 1}, [3, 2, 2, 1], 3),
        ({"patience": 2}, [3, 4, 2, 3, 3, 1], 5),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.4, 2, 1.8, 1.4, 1.4], 6),
        ({"patience": 1, "min_epochs": 4}, [3, 3, 3, 1, 1, 0], 5),
        ({"patience": 1, "min_epochs": 4}, [3, 3, 3, 3], 4),
        ({"patience": 1}, [3, float("nan")], 2),
        ({"patience": 2}, [float("nan")] * 2, 2),
    ],
)
def test_patience(capsys, arguments, values, expected):
    stop = EarlyStop(**arguments)
    assert stopped(stop, values) == expected
    assert bool(stop.ended.numpy()) == (expected is not None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (expected is not None)
    assert all(line.startswith(f"ended after epoch {expected}: val_correctness has not") for line in lines)
    assert all(len(line) < 120 for line in lines)


@pytest.mark.parametrize("done", [1, 2, 3, 4])
def test_a_resumed_training_ends_after_the_same_epoch(done):
    values = [3, 2, 2.5, 2.4, 2.3, 1.0]
    first = EarlyStop(3)
    assert stopped(first, values[:done]) is None
    second = EarlyStop(3)
    for new, old in zip(second.checkpoint_variables(), first.checkpoint_variables(), strict=True):
        new.assign(old)
    assert stopped(second, values[done:], done) == 5


def test_fit_ends_with_one_line(capsys):
    trainer = small.traced_trainer()
    history = trainer.fit(
        small.pairs().repeat(),
        steps_per_epoch=1,
        epochs=5,
        validation_data=small.pairs(),
        callbacks=[EarlyStop(2, min_delta=1e6)],
        shuffle=False,
        verbose=0,
    ).history["val_correctness"]
    assert len(history) == 3
    best = f"{np.float32(history[0]):.4f}"
    assert capsys.readouterr().out == (
        "ended after epoch 3: val_correctness has not decreased by more than 1e+06 in the last 2 epochs, "
        f"from {best}\n"
    )


def test_unknown_log():
    stop = EarlyStop(1, monitor="val_l1")
    with pytest.raises(InputError, match="no log 'val_l1'; the logs of this training are loss, val_loss"):
        stop.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.0})


@pytest.mark.parametrize("arguments", [{"patience": 0}, {"min_delta": -1}, {"min_epochs": 1.5}])
def test_invalid_arguments(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
        EarlyStop(**{"patience": 1, **arguments})
