"""Tests of the watchdog that ends a training without progress."""

import subprocess
import sys
import threading
import time

import keras
import pytest
import tensorflow as tf

from gfla_tf.training.callbacks import StallGuard
from tests.training import small

SCRIPT = """
import time
import keras
import tensorflow as tf
from gfla_tf.training.callbacks import StallGuard

def batches():
    yield tf.zeros([1, 1]), tf.zeros([1, 1])
    time.sleep(600)

model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse", run_eagerly=True)
pair = (tf.TensorSpec([1, 1]), tf.TensorSpec([1, 1]))
data = tf.data.Dataset.from_generator(batches, output_signature=pair)
guard = StallGuard(0.1, "; to resume: gfla train --resume -o run")
model.fit(data, steps_per_epoch=2, callbacks=[guard], verbose=0)
"""


def test_a_process_without_progress_is_ended():
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert time.monotonic() - began < 500
    lines = done.stderr.splitlines()
    assert lines[-1] == (
        "gfla: error: no training step was finished in 0.1 minutes; to resume: gfla train --resume -o run"
    )
    assert any(line.startswith("Thread 0x") for line in lines)
    assert '", line ' in done.stderr
    assert " in fit" in done.stderr  # the stack of the main thread
    assert " in batches" in done.stderr  # and of the thread that reads the data


def test_progress(monkeypatch):
    ended = []
    monkeypatch.setattr(StallGuard, "_end", lambda self: ended.append(time.monotonic()))
    guard = StallGuard(1 / 60)
    guard.on_train_begin()
    events = (guard.on_train_batch_end, guard.on_test_batch_end, guard.on_epoch_end)
    for count in range(6):
        time.sleep(0.3)
        assert not ended
        events[count % 3](0)
    guard.on_train_end()
    time.sleep(1.2)
    assert not ended
    guard.on_train_begin()
    time.sleep(1.2)
    guard.on_train_end()
    assert ended


def test_a_process_whose_fit_raised_an_exception_is_not_ended(monkeypatch):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise KeyboardInterrupt

    ended = []
    monkeypatch.setattr(StallGuard, "_end", lambda self: ended.append(True))
    data = tf.data.Dataset.from_tensors(tf.zeros([1, 1]))
    with pytest.raises(KeyboardInterrupt):
        small.Counter().fit(data, callbacks=[StallGuard(1 / 60), Stop()], verbose=0)
    time.sleep(1.5)
    assert not ended
    assert not [thread for thread in threading.enumerate() if thread.name == "stall guard"]


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), "1", True])
def test_invalid_minutes(minutes):
    with pytest.raises(ValueError, match="minutes must be"):
        StallGuard(minutes)
