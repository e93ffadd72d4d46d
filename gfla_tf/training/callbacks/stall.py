"""Watchdog that ends a training without progress."""

import faulthandler
import os
import sys
import threading
import time
from types import FrameType

import keras

from gfla_tf import arguments
from gfla_tf.training.callbacks.logs import Logs

_MAX_MINUTES = 10**6
_EXIT_CODE = 2  # as of errors of the command line
_STDERR = 2


class StallGuard(keras.callbacks.Callback):
    """Ends the process if no step of `fit` is finished within a time, for example if a disk does not answer.

    A thread then writes the stack of every thread and one sentence to standard error, and ends the process
    with exit code 2. Nothing else is possible while TensorFlow waits: no Python code of the main thread runs.
    The last checkpoint remains. Steps of the validation count, and so do the ends of epochs; the compilation
    of the first step, a validation step and a checkpoint each must be shorter than the limit. After a `fit`
    that raised an exception, such as KeyboardInterrupt in a notebook, the process is not ended.

    Args:
      minutes: the limit.
      advice: a text to add to the sentence, for example the command that resumes the run.

    Raises:
      ValueError: `minutes` is not a number above 0.

    Example:

    ```python
    import keras
    import numpy as np

    from gfla_tf.training.callbacks import StallGuard

    model = keras.Sequential([keras.layers.Dense(1)])  # any Keras model, such as a trainer
    model.compile("sgd", "mse")
    model.fit(np.zeros([8, 1]), np.zeros([8, 1]), callbacks=[StallGuard(minutes=30)], verbose=0)
    ```
    """

    def __init__(self, minutes: float, advice: str = ""):
        super().__init__()
        self.minutes = arguments.number("minutes", minutes, 0, _MAX_MINUTES, strict=True)
        self.advice = advice
        self._last = time.monotonic()
        self._stop = threading.Event()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._progress()
        self._stop.set()  # the thread of a `fit` that raised an exception
        self._stop = threading.Event()
        given = (self._stop, threading.get_ident(), _frame_of_fit())
        threading.Thread(target=self._watch, args=given, name="stall guard", daemon=True).start()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._progress()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._progress()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._progress()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._stop.set()

    def _progress(self) -> None:
        self._last = time.monotonic()

    def _watch(self, stop: threading.Event, thread: int, fit: FrameType | None) -> None:
        while True:
            remaining = self._last + 60 * self.minutes - time.monotonic()
            if remaining <= 0:
                if not _is_running(thread, fit):  # it raised an exception, without `on_train_end`
                    return
                self._end()
            if stop.wait(max(remaining, 0.01)):
                return

    def _end(self) -> None:
        faulthandler.dump_traceback(file=_STDERR, all_threads=True)
        sentence = f"gfla: error: no training step was finished in {self.minutes:g} minutes{self.advice}\n"
        os.write(_STDERR, sentence.encode(errors="backslashreplace"))
        os._exit(_EXIT_CODE)


def _frame_of_fit() -> FrameType | None:
    """Returns the frame of the `fit` that calls the callback; None if there is none."""
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name != "fit":
        frame = frame.f_back
    return frame


def _is_running(thread: int, fit: FrameType | None) -> bool:
    """Returns whether a frame is on the stack of a thread; True without a frame."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame is not fit:
        frame = frame.f_back
    return frame is not None or fit is None
