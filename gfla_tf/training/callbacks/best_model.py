"""The model of the best epoch."""

import os

import keras
import tensorflow as tf

from gfla_tf.files import atomic_path
from gfla_tf.training.callbacks.logs import Logs, log_value
from gfla_tf.training.callbacks.moving_average import ExponentialMovingAverage, averaged
from gfla_tf.training.gfla_trainer import GFLATrainer


class BestModel(keras.callbacks.Callback):
    """Saves the trained model whenever a log is less than after all epochs before.

    The model is F with `FlowTrainer`, and F and G with `GFLATrainer`. The file is replaced atomically. The
    least value is part of checkpoints, so that a resumed training does not replace a better model.

    Args:
      path: the `.keras` file.
      monitor: the log, for example "val_loss".
      average: saves these averages instead of the weights; their validation is that of `val_...`.

    Raises:
      InputError: at the end of an epoch, the log does not exist, or the file cannot be written.

    Example:

    ```python
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer
    from gfla_tf.training.callbacks import BestModel

    people = SyntheticPeople((32, 32), identities={"train": 2, "test": 1})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    trainer = FlowTrainer(model.flow_field_estimator, VGG19Features("random", width_multiplier=1 / 16))
    trainer.compile("adam", run_eagerly=True)  # for a few steps only
    trainer.fit(
        people.as_dataset("train", batch_size=2, repeat=True),
        steps_per_epoch=1,
        validation_data=people.as_dataset("test", batch_size=2).take(1),
        callbacks=[BestModel("best.keras", "val_correctness")],
        verbose=0,
    )
    ```
    """

    chief_only = True

    def __init__(
        self,
        path: str | os.PathLike,
        monitor: str = "val_loss",
        average: ExponentialMovingAverage | None = None,
    ):
        super().__init__()
        self.path = path
        self.monitor = monitor
        self.average = average
        self._best = tf.Variable(tf.float64.max, trainable=False, dtype=tf.float64)

    def checkpoint_variables(self) -> list[tf.Variable]:
        """Returns the least value so far."""
        return [self._best]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = log_value(logs, self.monitor)
        if not value < float(self._best):  # also if it is NaN
            return
        with atomic_path(self.path) as temporary, averaged(self.average):
            _trained_model(self.model).save(temporary)
        self._best.assign(value)


def _trained_model(trainer: keras.Model) -> keras.Model:
    return trainer.generator if isinstance(trainer, GFLATrainer) else trainer.flow_field_estimator
