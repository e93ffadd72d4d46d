"""Progress of a training stage: one line per epoch, and a progress bar on a terminal."""

import itertools
import sys
import time
from typing import TextIO

import keras
from tqdm import tqdm

from gfla_tf.console import clock, columns, join_parts
from gfla_tf.training.callbacks.logs import Logs

_SHOWN = ("loss", "l1", "correctness", "val_l1", "val_correctness", "val_flow_error")
_BAR = "{desc}  {percentage:3.0f}% |{bar}| {elapsed} elapsed, ETA {remaining}{postfix}"
_BAR_WIDTH = 50  # without the description and the losses, with a bar of at least 5 characters
_MAX_COLUMNS = 120


class Progress(keras.callbacks.Callback):
    """Prints one line per epoch: stage, epoch, losses, elapsed time and ETA of the stage.

    On a terminal, a progress bar below these lines is updated after every step. No line is longer than the
    terminal: epochs continue on the next line, and the bar omits losses.

    Args:
      label: the name of the stage.
      epochs: the last epoch of the stage, counted from 1.
      steps_per_epoch: steps in an epoch.
      steps_done: steps of the stage that are already done.
      stream: the text stream to write to; `sys.stdout` by default.
    """

    chief_only = True

    def __init__(
        self,
        label: str,
        epochs: int,
        steps_per_epoch: int,
        steps_done: int = 0,
        stream: TextIO | None = None,
    ):
        super().__init__()
        self.label = label
        self.epochs = epochs
        self.steps = steps_per_epoch
        self.initial_steps = self.steps_done = steps_done
        self.stream = stream or sys.stdout
        self.began: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.began is None:  # otherwise the rest of an epoch was trained by a `fit` of its own
            self.began = time.monotonic()
        self.bar = tqdm(
            desc=self._description(self.steps_done // self.steps),
            initial=self.steps_done,
            total=self.epochs * self.steps,
            file=self.stream,
            disable=None,  # if the stream is not a terminal
            leave=False,
            ncols=self._columns(),
            mininterval=0.5,
            bar_format=_BAR,
        )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.bar.ncols = self._columns()
        self.bar.set_description_str(self._description(epoch), refresh=False)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.steps_done += 1
        if self.bar.update():  # drawn, at most twice a second
            self.bar.ncols = self._columns()
            room = self.bar.ncols - len(self.bar.desc) - _BAR_WIDTH
            losses = list(itertools.accumulate(_losses(logs), "{}  {}".format))
            self.bar.set_postfix_str(next((some for some in reversed(losses) if len(some) <= room), ""))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        elapsed = time.monotonic() - self.began
        steps = self.steps_done - self.initial_steps
        remaining = elapsed / max(1, steps) * (self.epochs * self.steps - self.steps_done)
        times = f"{clock(elapsed)} elapsed, ETA {clock(remaining)}"
        parts = [self._description(epoch), *_losses(logs), times]
        terminal = self.stream.isatty()
        tqdm.write(
            join_parts(parts, columns(self.stream)) if terminal else "  ".join(parts), file=self.stream
        )
        self.stream.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.bar.close()

    def _description(self, epoch: int) -> str:
        return f"{self.label}  epoch {epoch + 1}/{self.epochs}"

    def _columns(self) -> int:
        """The width of the bar: one column less than the terminal, which some terminals wrap at."""
        return max(1, min(columns(self.stream), _MAX_COLUMNS) - 1)


def _losses(logs: Logs | None) -> list[str]:
    return [f"{name} {float(logs[name]):.3f}" for name in _SHOWN if name in (logs or {})]
