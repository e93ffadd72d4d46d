"""What a run writes while it trains: a line of progress, checkpoints, TensorBoard logs, sample pictures."""

import os
import sys
import time
import zipfile

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import viz
from gfla_tf.errors import InputError


class Progress(keras.callbacks.Callback):
    """One line: stage, epoch, step, losses, elapsed and remaining time of the stage.

    Rewritten in place on a terminal; elsewhere one line an epoch.
    """

    def __init__(self, label, epochs, steps_per_epoch, initial_epoch=0, stream=None):
        super().__init__()
        self.label = label
        self.epochs = epochs
        self.steps = steps_per_epoch
        self.initial_epoch = initial_epoch
        self.stream = stream or sys.stdout
        self.interactive = self.stream.isatty()
        self.epoch = initial_epoch
        self.shown = 0.0

    def on_train_begin(self, logs=None):
        self.began = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self.interactive and now - self.shown > 0.5:
            self.shown = now
            self._write(self._line(batch + 1, logs), "\r")

    def on_epoch_end(self, epoch, logs=None):
        self._write(self._line(self.steps, logs), "\n")

    def _line(self, step, logs):
        done = (self.epoch - self.initial_epoch) * self.steps + step
        total = (self.epochs - self.initial_epoch) * self.steps
        elapsed = time.monotonic() - self.began
        left = elapsed / max(done, 1) * (total - done)
        names = ("loss", "l1", "correctness", "val_l1", "val_correctness", "val_flow_error")
        values = "  ".join(f"{name} {float(logs[name]):.3f}" for name in names if name in (logs or {}))
        return (
            f"{self.label}  epoch {self.epoch + 1}/{self.epochs}  step {step}/{self.steps}  {values}  "
            f"{clock(elapsed)} gone, {clock(left)} left"
        )

    def _write(self, line, end):
        clear = "\x1b[K" if self.interactive else ""
        print(f"{line}{clear}", end=end, file=self.stream, flush=True)


def clock(seconds):
    """Seconds as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Checkpoint(keras.callbacks.Callback):
    """Saves, after every epoch, all a stage needs to go on: weights, optimizer states, and the epoch reached.

    One `.npz` (no pickle), written beside and renamed, so a kill leaves the previous one whole.
    """

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        if np.isfinite(float((logs or {}).get("loss", 0.0))):
            self.save(epoch + 1)

    def save(self, epochs_done):
        arrays = {f"v{i}": np.asarray(value) for i, value in enumerate(self._variables())}
        temporary = self.path.with_suffix(".tmp")
        with open(temporary, "wb") as file:
            np.savez(file, epochs_done=epochs_done, **arrays)
        os.replace(temporary, self.path)

    def restore(self):
        """Restores the stage if there is a checkpoint; returns the number of epochs done.

        Raises:
          InputError: the file is damaged or belongs to another network.
        """
        if not self.path.exists():
            return 0
        variables = self._variables()
        try:
            with np.load(self.path, allow_pickle=False) as file:
                values = [file[f"v{i}"] for i in range(len(variables))]
                extra = f"v{len(variables)}" in file
                epochs_done = int(file["epochs_done"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"the checkpoint {self.path} cannot be read ({error}); delete it to begin its stage again"
            ) from error
        fits = not extra and all(
            value.shape == tuple(variable.shape) for value, variable in zip(values, variables, strict=True)
        )
        if not fits:
            raise InputError(
                f"the checkpoint {self.path} belongs to another network than the run's config.yaml"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return epochs_done

    def _variables(self):
        trainer = self.model
        variables = list(trainer.checkpoint_networks())
        for optimizer in trainer.checkpoint_optimizers():
            variables += optimizer.variables() if callable(optimizer.variables) else optimizer.variables
        return variables


def trim_log(path, epochs_done):
    """Drops from a CSV log the rows of epochs that a resumed stage will do again, and a line cut short."""
    if not path.exists():
        return
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
    kept = [
        row
        for row in rows
        if row.endswith("\n") and row.count(",") == header.count(",") and int(row.split(",")[0]) < epochs_done
    ]
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join([header, *kept]), encoding="utf-8")
    os.replace(temporary, path)


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the epoch's logs as TensorBoard scalars; TensorBoard itself is needed only to look at them."""

    def __init__(self, folder):
        super().__init__()
        self.writer = tf.summary.create_file_writer(str(folder))
        self.metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
            data_class="DATA_CLASS_SCALAR",
        )

    def on_epoch_end(self, epoch, logs=None):
        with self.writer.as_default():
            for name, value in (logs or {}).items():
                tf.summary.write(name, tf.constant(float(value)), step=epoch + 1, metadata=self.metadata)
        self.writer.flush()


class SampleGrid(keras.callbacks.Callback):
    """Writes, after every epoch, a picture of what the model makes of one fixed validation batch."""

    def __init__(self, folder, batch, predict):
        super().__init__()
        self.folder = folder
        self.batch = batch
        self.predict = predict

    def on_epoch_end(self, epoch, logs=None):
        picture = viz.sample_grid(self.batch, self.predict(self.batch))
        path = self.folder / f"epoch_{epoch + 1:04}.png"
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(viz.encode_png(picture))
        os.replace(temporary, path)
