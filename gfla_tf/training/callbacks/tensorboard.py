"""TensorBoard logs of a training stage."""

import os
from pathlib import Path

import keras
import tensorflow as tf

from gfla_tf.training.callbacks.logs import Logs


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the logs of every epoch as TensorBoard scalars, without the TensorBoard package.

    Args:
      folder: the log folder.
    """

    chief_only = True

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
