"""Checkpoints of a training stage, after epochs, steps or minutes."""

import os
import time
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.constraints import parse_interval
from gfla_tf.training.callbacks.logs import Logs
from gfla_tf.training.checkpoint_folder import CheckpointFolder, State, is_finite

_TRAINED = ("networks", "optimizers")  # groups of variables that must be finite


class Checkpoint(keras.callbacks.Callback):
    """Saves the state of a trainer, from which a later process continues exactly.

    The state is the networks, the optimizers with their loss scales, the metrics of the epoch, the number of
    steps, and the variables that other callbacks return from a method `checkpoint_variables()`. A step draws
    no random numbers, and batch k of the data depends on the seed and k only, so that nothing else is needed:
    on a CPU, an interrupted and resumed training computes the same bits as an uninterrupted one.

    If a weight or an optimizer variable is NaN or infinite, nothing is written and the training stops. The
    last step of an epoch is saved after the epoch, that is after its validation. The last epoch of `fit` is
    always saved. This callback must be the last of those that write logs.

    Args:
      folder: the folder of the checkpoints.
      every: "500 steps" or "10 minutes"; None saves after every epoch.
      keep: number of checkpoints to keep.
      callbacks: the other callbacks of `fit`.

    Raises:
      ValueError: `every` is not an interval.

    Example:

    ```python
    import tempfile

    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer
    from gfla_tf.training.callbacks import Checkpoint

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    trainer = FlowTrainer(model.flow_field_estimator, VGG19Features("random", width_multiplier=1 / 16))
    trainer.compile("adam")
    checkpoint = Checkpoint(tempfile.mkdtemp(), every="1 steps")
    epochs_done = checkpoint.restore(trainer)  # 0, because the folder is empty
    batches = people.as_dataset("train", batch_size=2, repeat=True)
    trainer.fit(
        batches.skip(int(trainer.steps_done.numpy())),
        initial_epoch=epochs_done,
        epochs=1,
        steps_per_epoch=2 - checkpoint.epoch_steps,
        callbacks=[checkpoint],
        verbose=0,
    )
    ```
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        every: str | None = None,
        keep: int = 3,
        callbacks: Iterable[keras.callbacks.Callback] = (),
    ):
        super().__init__()
        self.folder = CheckpointFolder(folder, keep)
        self.callbacks = list(callbacks)
        self.count, self.unit = (None, None) if every is None else parse_interval(every)
        self._epochs_done = tf.Variable(0, False, dtype=tf.int64)
        self._epoch_steps = tf.Variable(0, False, dtype=tf.int64)
        self._metrics: list[tf.Variable] | None = None  # copies, because each replica has its own
        self._interrupted = False  # whether the metrics are those of an epoch that was interrupted
        self._saved_step: int | None = None
        self._in_epoch = False
        self._saved_time = time.monotonic()

    @property
    def epoch_steps(self) -> int:
        """The number of steps that are done of the current epoch."""
        return int(self._epoch_steps.numpy())

    def restore(self, trainer: Any) -> int:
        """Restores a compiled trainer and the other callbacks from the newest readable checkpoint.

        If that was saved within an epoch, the next call of `fit` must do the rest of this epoch only, so that
        `epoch_steps` and the metrics of the epoch continue.

        Returns:
          The number of epochs done; 0 if there is no checkpoint.

        Raises:
          InputError: no checkpoint is readable, or one belongs to another network.
        """
        for callback in (*self.callbacks, self):
            callback.set_model(trainer)
        self._saved_step = self.folder.restore(self._state(), _TRAINED)
        self._interrupted = self.epoch_steps > 0
        return int(self._epochs_done.numpy())

    @property
    def in_epoch(self) -> bool:
        """Whether the last step was not the last of its epoch, so that its state can be saved at once."""
        return self._in_epoch

    def save(self) -> bool:
        """Writes a checkpoint, unless there is one of this step.

        Under a strategy with several workers, all of them must call this function; the chief writes.

        Returns:
          Whether all losses, gradients, weights and optimizer variables are finite; otherwise nothing is
          written.

        Raises:
          InputError: it cannot be written.
        """
        step = int(self.model.steps_done.numpy())
        if self.model.optimizer_updates.failure.term is not None:  # the last steps changed nothing
            return False
        if step != self._saved_step:
            state = self._state()
            if not all(is_finite(variable.numpy()) for name in _TRAINED for variable in state[name]):
                return False
            for copy, value in zip(self._metrics, self.model.metric_values(), strict=True):
                copy.assign(value)
            if self.model.is_chief:
                self.folder.write(step, state)
            self._saved_step = step
        self._saved_time = time.monotonic()
        return True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if not self._interrupted:
            self._epoch_steps.assign(0)
        else:  # Keras has just reset them
            self.model.set_metric_values([copy.numpy() for copy in self._metrics])
            self._interrupted = False

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._epoch_steps.assign_add(1)
        self._in_epoch = self.params.get("steps") not in (None, batch + 1)
        if self._in_epoch and self._is_due():
            self._save_or_stop()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._in_epoch:  # another callback stopped the training within the epoch
            return
        self._epochs_done.assign(epoch + 1)
        self._epoch_steps.assign(0)
        last = epoch + 1 == self.params.get("epochs") or self.model.stop_training
        if not np.isfinite(float((logs or {}).get("loss", 0.0))):
            self.model.stop_training = True
        elif last or self.unit is None or self._is_due():
            self._save_or_stop()

    def _save_or_stop(self) -> None:
        if not self.save():
            self.model.stop_training = True

    def _is_due(self) -> bool:
        if self.unit == "steps":
            return int(self.model.steps_done.numpy()) % self.count == 0
        due = self.unit == "minutes" and time.monotonic() - self._saved_time >= 60 * self.count
        return self.model.any_worker(due) if self.unit else False

    def _state(self) -> State:
        trainer = self.model
        if self._metrics is None:
            self._metrics = [tf.Variable(value, trainable=False) for value in trainer.metric_values()]
        groups = {
            "networks": trainer.checkpoint_networks(),
            "optimizers": [
                variable
                for optimizer in trainer.checkpoint_optimizers()
                for variable in _compat.optimizer_variables(optimizer)
            ],
            "metrics": self._metrics,
            "position": [trainer.steps_done, self._epochs_done, self._epoch_steps],
            "callbacks": [
                variable
                for callback in self.callbacks
                if hasattr(callback, "checkpoint_variables")
                for variable in callback.checkpoint_variables()
            ],
        }
        return {name: [_compat.tf_variable(one) for one in group] for name, group in groups.items()}
