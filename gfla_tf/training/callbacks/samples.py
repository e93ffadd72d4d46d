"""Sample images of a training stage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import viz
from gfla_tf.files import replace_file
from gfla_tf.images.io import encode_image
from gfla_tf.training.callbacks.logs import Logs
from gfla_tf.training.callbacks.moving_average import ExponentialMovingAverage, averaged


class SampleGrid(keras.callbacks.Callback):
    """Writes an image of the model's outputs for one fixed batch after every epoch.

    Args:
      folder: the folder of the images, `epoch_0001.png` and so on.
      batch: the batch.
      predict: returns the outputs for a batch, as `gfla_tf.viz.sample_grid` expects them, for example
        `trainer.pictures`.
      average: draws the outputs of these averages instead of those of the weights.
    """

    chief_only = True

    def __init__(
        self,
        folder: Path,
        batch: dict[str, tf.Tensor],
        predict: Callable[[dict[str, tf.Tensor]], dict[str, Any]],
        average: ExponentialMovingAverage | None = None,
    ):
        super().__init__()
        self.folder = folder
        self.batch = batch
        self.predict = predict
        self.average = average

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        with averaged(self.average):
            outputs = self.predict(self.batch)
        image = viz.sample_grid(self.batch, outputs)
        replace_file(self.folder / f"epoch_{epoch + 1:04}.png", encode_image("samples.png", image))
