"""Guard against values that are not finite."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.errors import InputError
from gfla_tf.training.callbacks.logs import Logs


class FiniteGuard(keras.callbacks.Callback):
    """Ends the training with an `InputError` if a loss, a gradient or a weight is not finite.

    The message has the step and the value that was not finite first. A step whose losses or gradients are
    not finite changes nothing, so that the trainer has the state before it. Weights and optimizer variables
    are checked after every epoch, and when a loss or gradient is not finite. With a dynamic loss scale,
    gradients that are infinite because of the scale are no reason.

    Args:
      label: the name of the stage, for the message.
      write: writes a file of the step and returns the end of the message; called with the number of steps
        before it and the name of the value. If it cannot, the message also has its reason.

    Raises:
      InputError: by its methods, in `fit`.

    Example:

    ```python
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer
    from gfla_tf.training.callbacks import FiniteGuard

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    trainer = FlowTrainer(model.flow_field_estimator, VGG19Features("random", width_multiplier=1 / 16))
    trainer.compile("adam")
    batches = people.as_dataset("train", batch_size=2, repeat=True)
    trainer.fit(batches, steps_per_epoch=1, callbacks=[FiniteGuard()], verbose=0)
    ```
    """

    def __init__(self, label: str = "training", write: Callable[[int, str], str] | None = None):
        super().__init__()
        self.label = label
        self.write = write

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        term = self.model.failure.term
        if term is not None:
            weight = self._weight()
            steps = int(self.model.steps_done.numpy())
            self._end(steps, weight or term, f", found in the {term}," if weight else "")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._check_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._check_weights()

    def _check_weights(self) -> None:
        weight = self._weight()
        if weight is not None:
            self._end(int(self.model.steps_done.numpy()) - 1, weight, "")

    def _weight(self) -> str | None:
        """Returns the name of the first weight or optimizer variable that is not finite."""
        optimizers = self.model.checkpoint_optimizers()
        groups = {
            "weight": self.model.checkpoint_networks(),
            "optimizer variable": [one for group in optimizers for one in _compat.optimizer_variables(group)],
        }
        for kind, variables in groups.items():
            for variable in variables:
                if not np.isfinite(_compat.tf_variable(variable).numpy()).all():
                    return f"{kind} {getattr(variable, 'path', variable.name)}"
        return None

    def _end(self, steps: int, term: str, found: str) -> None:
        try:
            sentence = self.write(steps, term) if self.write is not None else ""
        except (InputError, OSError, tf.errors.OpError) as error:  # for example a full disk
            sentence = f"; the step cannot be saved: {str(error).partition(chr(10))[0]}"
        verb = "are" if term.startswith("gradients") else "is"
        raise InputError(
            f"{self.label} stopped at step {steps + 1}: the {term}{found} {verb} NaN or infinite; try a "
            f"lower learning rate or clip_norm{sentence}"
        )
