"""TensorBoard logs of a training stage."""

import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import _compat, arguments, viz
from gfla_tf.training.callbacks import event_file
from gfla_tf.training.callbacks.event_file import EventFile
from gfla_tf.training.callbacks.logs import Logs
from gfla_tf.training.callbacks.moving_average import ExponentialMovingAverage, averaged

_MAX_STEPS = 10**6
_MAX_IMAGES = 8


class TensorBoardLog(keras.callbacks.Callback):
    """Writes losses, learning rates and gradient norms of the steps, and logs and images of the epochs.

    The step of an entry is `steps_done` of the trainer. The entries are

      * `step/NAME`, every `log_every` steps: the mean of each loss over the steps since the previous entry of
        the same epoch; with `log_every=1`, its value in this step;
      * `learning_rate/OPTIMIZER` and `gradient_norm/OPTIMIZER`, every `log_every` steps: those of the last
        step. The norm is that before clipping, over all variables of the optimizer;
      * `epoch/NAME`, after every epoch: the logs of the training, and `val_...` of the validation;
      * `samples/NAME`, after every epoch, if `batch` is given: the images of `gfla_tf.viz.sample_columns`
        (source, target pose, generated, truth, flow, mask and attention, as far as there are any), and the
        source warped by the finest flow;
      * `weights/OPTIMIZER/NAME`, after every epoch, if `histograms`: a histogram of each variable that the
        optimizer updates;
      * `texts`, at the start.

    The TensorBoard package is not needed. When a training is resumed, TensorBoard replaces the entries of
    later steps by those of the resumed training. Under a strategy with several workers, every worker needs
    this callback, with a folder of its own, because all of them sum the losses.

    Args:
      folder: the log folder.
      log_every: number of steps.
      batch: the batch of the images, of which the first 8 are shown.
      texts: {name: text in Markdown}.
      histograms: whether to write histograms.
      average: the images are those of these averages instead of the weights.

    Raises:
      ValueError: `log_every` is not valid.
      InputError: a file cannot be written.

    Example:

    ```python
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer
    from gfla_tf.training.callbacks import TensorBoardLog

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    trainer = FlowTrainer(model.flow_field_estimator, VGG19Features("random", width_multiplier=1 / 16))
    trainer.compile("adam", run_eagerly=True)  # for a few steps only
    batches = people.as_dataset("train", batch_size=2, repeat=True)
    log = TensorBoardLog("tensorboard", batch=next(iter(batches)), texts={"run": "the first one"})
    trainer.fit(batches, steps_per_epoch=1, callbacks=[log], verbose=0)
    ```
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        log_every: int = 1,
        batch: Mapping[str, tf.Tensor] | None = None,
        texts: Mapping[str, str] | None = None,
        histograms: bool = False,
        average: ExponentialMovingAverage | None = None,
    ):
        super().__init__()
        self.file = EventFile(folder)
        self.log_every = arguments.integer("log_every", log_every, 1, _MAX_STEPS)
        self.batch = batch
        self.texts = dict(texts or {})
        self.histograms = histograms
        self.average = average
        self._before: np.ndarray | None = None  # sums and counts at the previous entry of the epoch
        self._last_step = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        step = self._step()
        self.file.restart(step + 1)
        self.file.add([event_file.text(name, text) for name, text in self.texts.items()], step)
        self.texts = {}
        self._last_step = step

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._before = None  # the metrics start again, and may be restored by another callback

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if self._before is None:
            self._before = self._sums()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        step = self._step()
        if step // self.log_every == self._last_step // self.log_every:
            return
        self._last_step = step
        sums = self._sums()
        means = [total / max(count, 1e-30) for total, count in sums - self._before]
        self._before = sums
        values = {f"step/{name}": mean for name, mean in zip(self.model.trackers, means, strict=True)}
        for name, update in self.model.optimizer_updates.by_name.items():
            values[f"learning_rate/{name}"] = _compat.last_learning_rate(update.optimizer).numpy()
            values[f"gradient_norm/{name}"] = self.model.gradient_norms[name].numpy()
        self.file.add([event_file.scalar(name, value) for name, value in values.items()], step)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        values = [event_file.scalar(f"epoch/{name}", float(value)) for name, value in (logs or {}).items()]
        values += [*self._images(), *self._histograms()]
        self.file.add(values, self._step())
        self.file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.file.flush()

    def _step(self) -> int:
        return int(self.model.steps_done.numpy())

    def _sums(self) -> np.ndarray:
        """Returns the sums and counts of the losses in this epoch, [losses, 2], over all replicas."""
        metrics = np.array(self.model.metric_values(), np.float64).reshape(-1, 2)
        return metrics[: len(self.model.trackers)]  # the first metrics of the trainer

    def _images(self) -> list[event_file.Value]:
        if self.batch is None:
            return []
        with averaged(self.average):
            outputs = self.model.pictures(self.batch)
        size = tuple(self.batch["source_image"].shape[1:3])
        columns = viz.sample_columns(self.batch, outputs, _MAX_IMAGES, size)
        warped = viz.warped_source(
            self.batch["source_image"][:_MAX_IMAGES], outputs["flows"][-1][:_MAX_IMAGES]
        )
        columns["warped source"] = list(warped)
        return [event_file.images(f"samples/{name}", column) for name, column in columns.items()]

    def _histograms(self) -> list[event_file.Value]:
        if not self.histograms:
            return []
        return [
            event_file.histogram(f"weights/{name}/{number:03} {_name(variable)}", np.array(variable))
            for name, update in self.model.optimizer_updates.by_name.items()
            for number, variable in enumerate(update.variables)
        ]


def _name(variable: Any) -> str:
    """The path of a variable in Keras 3, its name, which is not unique, in Keras 2."""
    return getattr(variable, "path", variable.name).removesuffix(":0")
