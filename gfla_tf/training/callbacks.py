"""Callbacks of a run: progress, checkpoints, TensorBoard logs and sample images."""

import itertools
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from gfla_tf import viz
from gfla_tf.console import columns, join_parts
from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path, replace_file
from gfla_tf.images.io import encode_image
from gfla_tf.weight_files import read_arrays

Logs = Mapping[str, Any]

_SHOWN = ("loss", "l1", "correctness", "val_l1", "val_correctness", "val_flow_error")
_BAR = "{desc}  {percentage:3.0f}% |{bar}| {elapsed} elapsed, ETA {remaining}{postfix}"
_BAR_WIDTH = 50  # without the description and the losses, with a bar of at least 5 characters
_MAX_COLUMNS = 120
_MAX_BYTES = 2**30  # of a checkpoint of another network, which is reported as such


class Progress(keras.callbacks.Callback):
    """Prints one line per epoch: stage, epoch, losses, elapsed time and ETA of the stage.

    On a terminal, a progress bar below these lines is updated after every step. No line is longer than the
    terminal: epochs continue on the next line, and the bar omits losses.

    Args:
      label: the name of the stage.
      epochs: the last epoch of the stage, counted from 1.
      steps_per_epoch: steps in an epoch.
      initial_epoch: epochs of the stage that are already done.
      stream: the text stream to write to; `sys.stdout` by default.
    """

    def __init__(
        self,
        label: str,
        epochs: int,
        steps_per_epoch: int,
        initial_epoch: int = 0,
        stream: TextIO | None = None,
    ):
        super().__init__()
        self.label = label
        self.epochs = epochs
        self.steps = steps_per_epoch
        self.initial_epoch = initial_epoch
        self.stream = stream or sys.stdout

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.began = time.monotonic()
        self.bar = tqdm(
            desc=self._description(self.initial_epoch),
            total=(self.epochs - self.initial_epoch) * self.steps,
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
        if self.bar.update():  # drawn, at most twice a second
            self.bar.ncols = self._columns()
            room = self.bar.ncols - len(self.bar.desc) - _BAR_WIDTH
            losses = list(itertools.accumulate(_losses(logs), "{}  {}".format))
            self.bar.set_postfix_str(next((some for some in reversed(losses) if len(some) <= room), ""))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        elapsed = time.monotonic() - self.began
        remaining = elapsed / (epoch + 1 - self.initial_epoch) * (self.epochs - epoch - 1)
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


def _is_finite(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all())


def clock(seconds: float) -> str:
    """Returns a duration as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Checkpoint(keras.callbacks.Callback):
    """Saves the state of a stage after every epoch, and stops the training if the state is not finite.

    The state is the weights, the optimizer variables and the number of epochs done, in one `.npz` file
    without pickles. The file is replaced atomically, and only by finite values.

    Args:
      path: the `.npz` file.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not (np.isfinite(float((logs or {}).get("loss", 0.0))) and self.save(epoch + 1)):
            self.model.stop_training = True

    def save(self, epochs_done: int) -> bool:
        """Writes the checkpoint, unless a weight or an optimizer variable is NaN or infinite.

        Returns:
          Whether all values are finite.
        """
        arrays = [np.asarray(value) for value in self._variables()]
        if not all(map(_is_finite, arrays)):
            return False
        named = {f"v{i}": array for i, array in enumerate(arrays)}
        with atomic_path(self.path) as temporary:
            np.savez(temporary, epochs_done=epochs_done, **named)
        return True

    def restore(self) -> int:
        """Restores the state from the checkpoint, if it exists, and returns the number of epochs done.

        Raises:
          InputError: the file is damaged, belongs to another network or was written with another version of
            Keras, or contains NaN or infinite values.
        """
        if not self.path.exists():
            return 0
        variables = self._variables()
        most = _MAX_BYTES + 16 * sum(int(np.prod(variable.shape)) for variable in variables)
        try:
            arrays = read_arrays(self.path, most)
            values = [arrays[f"v{i}"] for i in range(len(variables))]
            extra = f"v{len(variables)}" in arrays
            epochs_done = int(arrays["epochs_done"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"the checkpoint {self.path} cannot be read ({error}); delete it to restart its stage"
            ) from error
        fits = not extra and all(
            value.shape == tuple(variable.shape) for value, variable in zip(values, variables, strict=True)
        )
        if not fits:
            raise InputError(
                f"the checkpoint {self.path} belongs to another network than the run's config.yaml, or was "
                "written with the other major version of Keras"
            )
        if not all(map(_is_finite, values)):
            raise InputError(
                f"the checkpoint {self.path} contains NaN or infinite values; delete it to restart its stage"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return epochs_done

    def _variables(self) -> list[Any]:
        trainer = self.model
        variables = list(trainer.checkpoint_networks())
        for optimizer in trainer.checkpoint_optimizers():
            variables += optimizer.variables() if callable(optimizer.variables) else optimizer.variables
        return variables


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the logs of every epoch as TensorBoard scalars, without the TensorBoard package.

    Args:
      folder: the log folder.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.writer = tf.summary.create_file_writer(os.fsencode(folder))
        self.metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
            data_class="DATA_CLASS_SCALAR",
        )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        with self.writer.as_default():
            for name, value in (logs or {}).items():
                tf.summary.write(name, tf.constant(float(value)), step=epoch + 1, metadata=self.metadata)
        self.writer.flush()


class SampleGrid(keras.callbacks.Callback):
    """Writes an image of the model's outputs for one fixed batch after every epoch.

    Args:
      folder: the folder of the images, `epoch_0001.png` and so on.
      batch: the batch.
      predict: returns the outputs for a batch, as `gfla_tf.viz.sample_grid` expects them.
    """

    def __init__(
        self,
        folder: Path,
        batch: dict[str, tf.Tensor],
        predict: Callable[[dict[str, tf.Tensor]], dict[str, Any]],
    ):
        super().__init__()
        self.folder = folder
        self.batch = batch
        self.predict = predict

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        image = viz.sample_grid(self.batch, self.predict(self.batch))
        replace_file(self.folder / f"epoch_{epoch + 1:04}.png", encode_image("samples.png", image))
