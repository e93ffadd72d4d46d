"""Run folder as the workers other than the chief use it: they read its files and write none."""

from os import PathLike
from pathlib import Path

import keras

from gfla_tf.files import check_name
from gfla_tf.training.run_folder import RunFolder


class WorkerFolder(RunFolder):
    """A `RunFolder` that is neither created, locked nor changed, because it is the chief's.

    Args:
      folder: the path of the run folder, on a filesystem that this worker shares with the chief.
    """

    def __init__(self, folder: str | PathLike):
        check_name(folder)
        self.path = Path(folder)

    def release(self) -> None:
        """Does nothing."""

    def stage(self, name: str) -> Path:
        """Returns the path of the folder of a stage."""
        return self.path / name

    def save_model(self, model: keras.Model, name: str) -> None:
        """Does nothing."""

    def remove(self) -> None:
        """Does nothing."""

    def record_images(self, images: str) -> None:
        """Does nothing."""

    def record_end(self, seconds: float) -> None:
        """Does nothing."""
