"""End of a training whose monitored log does not decrease any more."""

import math

import keras
import tensorflow as tf
from tqdm import tqdm

from gfla_tf import arguments
from gfla_tf.training.callbacks.logs import Logs, log_value

_MAX_EPOCHS = 10**6


class EarlyStop(keras.callbacks.Callback):
    """Ends `fit` after `patience` epochs without improvement of a log, and prints one line that says so.

    Unlike `keras.callbacks.EarlyStopping`, its state is part of checkpoints, so that a resumed training ends
    after the same epoch, and it continues over several calls of `fit`. The weights are those of the last
    epoch; `BestModel` saves the best ones.

    Args:
      patience: number of epochs, in succession, without improvement.
      min_delta: an epoch improves the log if it is less than the least value so far minus `min_delta`.
      min_epochs: the training does not end before this number of epochs.
      monitor: the log.

    Attributes:
      ended: a bool tf.Variable, whether the training has ended.

    Raises:
      ValueError: an argument is not valid.
      InputError: at the end of an epoch, the log does not exist.

    Example:

    ```python
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer
    from gfla_tf.training.callbacks import EarlyStop

    people = SyntheticPeople((32, 32), identities={"train": 2, "test": 1})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    trainer = FlowTrainer(model.flow_field_estimator, VGG19Features("random", width_multiplier=1 / 16))
    trainer.compile("adam", run_eagerly=True)  # for a few steps only
    trainer.fit(
        people.as_dataset("train", batch_size=2, repeat=True),
        steps_per_epoch=1,
        epochs=3,
        validation_data=people.as_dataset("test", batch_size=2).take(1),
        callbacks=[EarlyStop(patience=1, min_delta=0.001, min_epochs=2)],
        verbose=0,
    )
    ```
    """

    def __init__(
        self,
        patience: int,
        min_delta: float = 0.0,
        min_epochs: int = 0,
        monitor: str = "val_correctness",
    ):
        super().__init__()
        self.patience = arguments.integer("patience", patience, 1, _MAX_EPOCHS)
        self.min_delta = arguments.number("min_delta", min_delta, 0, math.inf)
        self.min_epochs = arguments.integer("min_epochs", min_epochs, 0, _MAX_EPOCHS)
        self.monitor = monitor
        self._message = ""
        self.ended = tf.Variable(False, trainable=False)
        self._best = tf.Variable(tf.float64.max, trainable=False, dtype=tf.float64)
        self._epochs_without = tf.Variable(0, trainable=False, dtype=tf.int64)

    def checkpoint_variables(self) -> list[tf.Variable]:
        """Returns the variables from which the count of epochs continues."""
        return [self.ended, self._best, self._epochs_without]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = log_value(logs, self.monitor)
        best = float(self._best)
        if value < best - self.min_delta:
            self._best.assign(value)
            self._epochs_without.assign(0)
            return
        self._epochs_without.assign_add(1)
        count = int(self._epochs_without)
        if count >= self.patience and epoch + 1 >= self.min_epochs:
            self.ended.assign(True)
            self.model.stop_training = True
            epochs = "epochs" if count > 1 else "epoch"
            least = f", from {best:.4f}" if best < tf.float64.max else ""  # otherwise it was always NaN
            by = f" by more than {self.min_delta:g}" if self.min_delta else ""
            self._message = (
                f"ended after epoch {epoch + 1}: {self.monitor} has not decreased{by} in the last {count} "
                f"{epochs}{least}"
            )

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._message and self.model.is_chief:
            tqdm.write(self._message)  # above the progress bar, if there is one
            self._message = ""
