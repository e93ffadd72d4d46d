"""The servers of the tf.data service: a dispatcher, and workers that read the training data."""

from __future__ import annotations

import dataclasses
import functools
import os
import socket
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gfla_tf.batching.rows import RowReader
from gfla_tf.config import Config
from gfla_tf.data import SyntheticPeople
from gfla_tf.errors import InputError
from gfla_tf.training.data_service import TOKEN, RowRequest, connect, parse_address, served_data
from gfla_tf.training.sources import open_source

service = tf.data.experimental.service


class Dispatcher:
    """A dispatcher, which distributes the numbers of batches to the workers, until the object is deleted.

    Args:
      port: the port to listen on; 0 selects a free one.
      journal: a folder in which the state is recorded; a dispatcher that is started again with the same port
        and folder continues. None records nothing.

    Attributes:
      port: the port.

    Raises:
      InputError: the port is in use, or the journal is damaged.
    """

    def __init__(self, port: int, journal: str | None = None):
        _check_free(port)
        if journal is not None:
            os.makedirs(journal, exist_ok=True)
        settings = service.DispatcherConfig(
            port=port, work_dir=journal, fault_tolerant_mode=journal is not None
        )
        try:
            self._server = service.DispatchServer(settings)
        except (ValueError, RuntimeError, tf.errors.OpError) as error:
            if journal is None:
                raise
            raise InputError(
                f"the dispatcher cannot continue from the journal {journal!r} ({error}): delete this folder, "
                "or use another one"
            ) from error
        self.port = int(self._server.target.rpartition(":")[2])


class Worker:
    """A worker, which reads training batches until the object is deleted; one per process.

    Args:
      config: the configuration of the training. Of its settings, those of the dataset are used
        (`data_service.served_data`); everything else comes from the client.
      dispatcher: HOST:PORT of the dispatcher.
      port: the port to listen on; 0 selects a free one.
      host: the name or address by which the clients reach this machine; by default, the local address of the
        connection to the dispatcher.
      progress: called with the number of SyntheticPeople rendered so far and their total.

    Attributes:
      pairs: the number of training pairs.
      host: the name or address by which clients reach the worker.

    Raises:
      InputError: the data is missing or invalid, the dispatcher does not answer, or the port is in use.
      RuntimeError: the process has used `tf.numpy_function` before.
    """

    def __init__(
        self,
        config: Config,
        dispatcher: str,
        port: int = 0,
        host: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ):
        address = parse_address(dispatcher, "--dispatcher")
        _check_free(port)
        with connect(*address) as connection:
            local = connection.getsockname()[0]
        self.host = host or (f"[{local}]" if ":" in local else local)
        self._function = _register(self._read)
        self._reader = functools.lru_cache(maxsize=2)(self._open)
        source = open_source(dataclasses.replace(config, data=dataclasses.replace(config.data, service=None)))
        source.prepare(progress)
        self._dataset = source.dataset
        self._data = served_data(self._dataset)
        self.pairs = self._dataset.num_pairs("train")
        connect(*address).close()
        self._server = service.WorkerServer(
            service.WorkerConfig(
                dispatcher_address=dispatcher, worker_address=f"{self.host}:%port%", port=port
            )
        )

    def _read(self, request: bytes, positions: np.ndarray) -> list[np.ndarray]:
        """Reads the rows at positions, int64 [B]; `request` is a `RowRequest`."""
        return list(self._reader(request).read(positions))

    def _open(self, request: bytes) -> RowReader:
        """Returns the reader of a request.

        Raises:
          InputError: the client has other data.
        """
        asked = RowRequest.from_json(request)
        differences = [
            f"{name} is {self._data.get(name)} at the worker and {asked.data.get(name)} here"
            for name in {**self._data, **asked.data}
            if self._data.get(name) != asked.data.get(name)
        ]
        if differences:
            raise InputError(
                f"the data service reads other data than this training: {'; '.join(differences)}; start its "
                "workers with the configuration of this training"
            )
        arguments = {"parts": asked.parts} if isinstance(self._dataset, SyntheticPeople) else {}
        return self._dataset.row_reader("train", shuffle=True, seed=asked.seed, **arguments)


def _register(function: Callable[[bytes, np.ndarray], list[np.ndarray]]) -> tf.types.experimental.Callable:
    """Registers the reader of rows under `TOKEN`; it stays registered as long as the result exists.

    TensorFlow numbers the Python functions of a process, so this must be the first one.
    """

    @tf.function(
        input_signature=[tf.TensorSpec([], tf.string), tf.TensorSpec([None], tf.int64)], autograph=False
    )
    def read(request: tf.Tensor, positions: tf.Tensor) -> list[tf.Tensor]:
        return tf.numpy_function(function, [request, positions], [tf.uint8])

    registered = read.get_concrete_function()
    tokens = [op.get_attr("token") for op in registered.graph.get_operations() if op.type == "PyFunc"]
    if tokens != [TOKEN.encode()]:
        raise RuntimeError(
            "a data worker needs a process of its own, in which no tf.numpy_function or tf.py_function has "
            f"been used before: its token is {tokens}"
        )
    return registered


def _check_free(port: int) -> None:
    """Checks a port; TensorFlow would share it with another server.

    Raises:
      InputError: the port is in use or not allowed.
    """
    if port >= 2**16:
        raise InputError(f"a port is at most {2**16 - 1}, got {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen()
        except OSError as error:
            raise InputError(f"the port {port} cannot be opened: {error.strerror}") from error
