"""Event files of TensorBoard, written without the TensorBoard package."""

import itertools
import os
import socket
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.images.io import encode_image

Value = tf.compat.v1.Summary.Value

_FLUSH_SECONDS = 30
_BUCKETS = 30
_CLASSES = {
    "scalars": "DATA_CLASS_SCALAR",
    "images": "DATA_CLASS_BLOB_SEQUENCE",
    "text": "DATA_CLASS_TENSOR",
    "histograms": "DATA_CLASS_TENSOR",
}
_numbers = itertools.count()


class EventFile:
    """A new event file in a log folder, created by the first entry and written to disk every 30 seconds.

    An event file is a TFRecord file of `Event` protocol buffers, of which the first contains the version of
    the format.

    Args:
      folder: the log folder.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self._writer: tf.io.TFRecordWriter | None = None
        self._flushed = time.monotonic()

    def restart(self, step: int) -> None:
        """Makes TensorBoard ignore entries of earlier files from a step on."""
        status = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._write(tf.compat.v1.Event(wall_time=time.time(), step=step, session_log=status))

    def add(self, values: Iterable[Value], step: int) -> None:
        """Writes values of one step.

        Raises:
          InputError: the file cannot be written.
        """
        summary = tf.compat.v1.Summary(value=values)
        self._write(tf.compat.v1.Event(wall_time=time.time(), step=step, summary=summary))
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes everything to disk."""
        self._flushed = time.monotonic()
        if self._writer is not None:
            self._call(self._writer.flush)

    def _write(self, event: tf.compat.v1.Event) -> None:
        if self._writer is None:
            host = "".join(c if c.isalnum() or c in "-." else "_" for c in socket.gethostname())
            name = f"events.out.tfevents.{time.time():.0f}.{host}.{os.getpid()}.{next(_numbers)}.v2"
            self._call(lambda: self.folder.mkdir(parents=True, exist_ok=True))
            self._writer = self._call(lambda: tf.io.TFRecordWriter(os.fsencode(self.folder / name)))
            self._write(tf.compat.v1.Event(wall_time=time.time(), file_version="brain.Event:2"))
        self._call(lambda: self._writer.write(event.SerializeToString()))

    def _call(self, function):
        try:
            return function()
        except (OSError, tf.errors.OpError) as error:
            reason = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
            raise InputError(f"the TensorBoard log in {self.folder} cannot be written: {reason}") from error


def scalar(tag: str, value: float) -> Value:
    """Returns an entry with a number."""
    return _value(tag, "scalars", np.float32(value))


def text(tag: str, content: str) -> Value:
    """Returns an entry with a text in Markdown."""
    return _value(tag, "text", content.encode(errors="backslashreplace"))


def images(tag: str, pictures: Sequence[np.ndarray]) -> Value:
    """Returns an entry with at least one image; all are uint8 RGB [H, W, 3] of the same size."""
    height, width = pictures[0].shape[:2]
    encoded = [encode_image("image.png", one) for one in pictures]
    return _value(tag, "images", [str(width).encode(), str(height).encode(), *encoded])


def histogram(tag: str, values: np.ndarray) -> Value:
    """Returns an entry with the histogram of the finite elements of an array, in 30 buckets."""
    finite = values[np.isfinite(values)].astype(np.float64)
    counts, edges = np.histogram(finite, _BUCKETS) if finite.size else (np.zeros(0), np.zeros(1))
    return _value(tag, "histograms", np.stack([edges[:-1], edges[1:], counts], axis=1))


def _value(tag: str, plugin: str, content: object) -> Value:
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name=plugin), data_class=_CLASSES[plugin]
    )
    return Value(tag=tag, tensor=tf.make_tensor_proto(content), metadata=metadata)
