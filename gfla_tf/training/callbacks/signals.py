"""Ctrl-C, SIGTERM and SIGHUP during training: the step is finished and saved first."""

import logging
import os
import signal
import threading
from types import FrameType
from typing import Any, Self

import keras

from gfla_tf.errors import InputError
from gfla_tf.training.callbacks.checkpoint import Checkpoint
from gfla_tf.training.callbacks.logs import Logs

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOTE = b"\nstopping after this step; a second signal stops without saving it\n"

_log = logging.getLogger("gfla_tf")


class StopOnSignal(keras.callbacks.Callback):
    """On Ctrl-C, SIGTERM or SIGHUP, finishes the step, saves a checkpoint, and then lets the signal act.

    It is also a context manager for the call of `fit`, in which it handles the signals; on leaving it, the
    handlers before are restored. Within it, a signal does what it would have done without this callback, but
    after the step: Ctrl-C raises KeyboardInterrupt, and SIGTERM ends a process that does not handle it. After
    the last step of an epoch, the validation is finished too. A second signal acts as soon as TensorFlow's
    current call returns, without a checkpoint. Signals that the process ignores, as under nohup, stay
    ignored. In another thread than the main thread, where Python handles no signals, it does nothing.

    Args:
      checkpoint: the checkpoint callback, which must be before this one in the list of callbacks.

    Example:

    ```python
    import tempfile

    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer
    from gfla_tf.training.callbacks import Checkpoint, StopOnSignal

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    trainer = FlowTrainer(model.flow_field_estimator, VGG19Features("random", width_multiplier=1 / 16))
    trainer.compile("adam")
    checkpoint = Checkpoint(tempfile.mkdtemp())
    with StopOnSignal(checkpoint) as stop:
        batches = people.as_dataset("train", batch_size=2, repeat=True)
        trainer.fit(batches, steps_per_epoch=1, callbacks=[checkpoint, stop], verbose=0)
    ```
    """

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        self.checkpoint = checkpoint
        self._received: tuple[int, FrameType | None] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):
                    self._before[number] = before
                    signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        if self._received is not None and error[0] is None:  # received after the last step
            self._act()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.checkpoint.in_epoch and self.model.any_worker(self._received is not None):
            self._save_and_act()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.model.any_worker(self._received is not None):
            self._save_and_act()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first = self._received is None
        self._received = (number, frame)
        if first:
            os.write(2, _NOTE)  # a handler must not use Python's streams, which may be writing now
        else:
            self._act()

    def _save_and_act(self) -> None:
        if self.checkpoint.save():
            _log.info("saved a checkpoint after step %d of this stage", int(self.model.steps_done.numpy()))
        if self._received is None:
            raise InputError(
                "another worker was asked to stop, and the checkpoint of this step is saved: start all "
                "workers again with --resume"
            )
        self._act()

    def _act(self) -> None:
        """Lets the signal do what it does without this callback."""
        number, frame = self._received
        self._received = None
        handler = self._before.get(number, signal.getsignal(number))
        if callable(handler):
            handler(number, frame)
        else:
            signal.signal(number, handler)
            os.kill(os.getpid(), number)
