"""Checkpoints of a training stage."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path
from gfla_tf.training.callbacks.logs import Logs
from gfla_tf.weight_files import read_arrays

_MAX_BYTES = 2**30  # of a checkpoint of another network, which is reported as such


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


def _is_finite(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all())
