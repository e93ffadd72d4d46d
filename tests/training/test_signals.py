"""Tests of signals during training."""

import os
import signal
import threading
import time

import keras
import pytest
import tensorflow as tf

from gfla_tf.training.callbacks import Checkpoint, StopOnSignal
from tests.training import small

DATA = tf.data.Dataset.from_tensors(tf.zeros([1, 1]))
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Received(Exception):
    """Raised by the handler of the test."""


class Send(keras.callbacks.Callback):
    """Sends signals while a step runs, and records the events after it."""

    def __init__(self, step, *numbers):
        super().__init__()
        self.step, self.numbers = step, numbers
        self.events = []

    def on_train_batch_begin(self, batch, logs=None):
        if int(self.model.steps_done) + 1 == self.step:
            for number in self.numbers:
                os.kill(os.getpid(), number)

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(int(self.model.steps_done))

    def on_test_end(self, logs=None):
        self.events.append("validated")


@pytest.fixture
def handlers():
    """Handlers that raise `Received`, for the duration of a test."""

    def raise_received(number, frame):
        raise Received(number)

    before = {number: signal.signal(number, raise_received) for number in NUMBERS}
    yield raise_received
    for number, handler in before.items():
        signal.signal(number, handler)


def train(folder, send):
    """Trains 2 epochs of 2 steps."""
    checkpoint, trainer = Checkpoint(folder, keep=9), small.Counter()
    with StopOnSignal(checkpoint) as stop:
        trainer.fit(
            DATA.repeat(),
            epochs=2,
            steps_per_epoch=2,
            validation_data=DATA,
            shuffle=False,
            verbose=0,
            callbacks=[send, checkpoint, stop],
        )
    return checkpoint


@pytest.mark.parametrize("number", NUMBERS)
def test_the_step_is_finished_and_saved(tmp_path, handlers, capfd, number):
    send = Send(3, number)
    with pytest.raises(Received, match=str(int(number))):
        train(tmp_path, send)
    assert send.events == [1, 2, "validated", 3]
    assert Checkpoint(tmp_path).folder.steps() == [2, 3]
    assert [signal.getsignal(one) for one in NUMBERS] == [handlers] * 3
    assert "stopping after this step; a second signal stops without saving it" in capfd.readouterr().err


@pytest.mark.parametrize("step", [2, 4])
def test_the_last_step_of_an_epoch_is_validated_first(tmp_path, handlers, step):
    send = Send(step, signal.SIGTERM)
    with pytest.raises(Received):
        train(tmp_path, send)
    assert send.events[-2:] == [step, "validated"]
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.restore(small.Counter()) == step // 2
    assert checkpoint.epoch_steps == 0


def test_a_second_signal_acts_at_once(tmp_path, handlers):
    send = Send(3, signal.SIGINT, signal.SIGTERM)
    with pytest.raises(Received, match=str(int(signal.SIGTERM))):
        train(tmp_path, send)
    assert send.events == [1, 2, "validated"]
    assert Checkpoint(tmp_path).folder.steps() == [2]
    assert [signal.getsignal(one) for one in NUMBERS] == [handlers] * 3


def test_a_signal_after_the_last_epoch_is_not_lost(handlers, tmp_path):
    def terminate(error=None):
        with StopOnSignal(Checkpoint(tmp_path)):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
            if error is not None:
                raise error

    with pytest.raises(Received):
        terminate()
    with pytest.raises(ZeroDivisionError):
        terminate(ZeroDivisionError())


def test_ignored_signals_stay_ignored(handlers, tmp_path):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    with StopOnSignal(Checkpoint(tmp_path)):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) != handlers
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) == handlers


def test_other_threads_do_not_handle_signals(handlers, tmp_path):
    seen = []

    def run():
        with StopOnSignal(Checkpoint(tmp_path)):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [handlers]


def test_a_process_that_handles_no_signals_ends_by_them(tmp_path):
    number = os.fork()
    if not number:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with StopOnSignal(Checkpoint(tmp_path)):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.01)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(number, 0)[1]) == signal.SIGTERM
