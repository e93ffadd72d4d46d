"""Training batches from a tf.data service: the graph of the client, and what client and workers agree on.

The client sends its graph to the workers. The only Python function in it, which reads the rows of a batch,
is called by its token, under which each worker process has registered its own (`data_server.py`).
"""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gfla_tf._version import __version__
from gfla_tf.batching.rows import RowReader
from gfla_tf.commands import command
from gfla_tf.data import DeepFashion, Market1501, PairFile, SyntheticPeople
from gfla_tf.errors import InputError

_log = logging.getLogger("gfla_tf")

TOKEN = "pyfunc_0"
"""The token of the first Python function of a process, which in a worker is the reader of rows."""

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+):(?P<port>\d{1,5})", re.ASCII)


def served_data(dataset: DeepFashion | Market1501 | PairFile | SyntheticPeople) -> dict[str, Any]:
    """Returns the properties that the dataset of a worker must share with that of the client."""
    properties = {"gfla-tf": __version__, "TensorFlow": tf.__version__, "image size": [*dataset.image_size]}
    if isinstance(dataset, SyntheticPeople):
        return properties | {
            "dataset": "SyntheticPeople",
            "data.seed": dataset.seed,
            "data.identities": dataset.identities["train"],
            "images per person": dataset.images_per_identity,
        }
    kind = "an HDF5 file" if isinstance(dataset, PairFile) else dataset.layout.name
    return properties | {
        "dataset": kind,
        "number of training pairs": dataset.num_pairs("train"),
        "hash of the pairs and keypoints": dataset.fingerprint("train"),
    }


@dataclass(frozen=True)
class RowRequest:
    """What a client asks a worker for, besides the positions of the rows.

    Attributes:
      data: the result of `served_data`.
      seed: the seed of the order.
      parts: whether to read part labels.
    """

    data: dict[str, Any]
    seed: int
    parts: bool

    def to_json(self) -> str:
        """Returns the request as text, for `from_json`."""
        return json.dumps([self.data, self.seed, self.parts])

    @classmethod
    def from_json(cls, text: str | bytes) -> RowRequest:
        """Returns the request of a text."""
        return cls(*json.loads(text))


@dataclass(frozen=True)
class _ServedRows(RowReader):
    """Calls the reader of rows of the process in which the graph runs.

    Attributes:
      request: a `RowRequest` as text.
    """

    request: str = ""

    def _call(self, positions: tf.Tensor, kinds: list[tf.DType]) -> Sequence[tf.Tensor]:
        return tf.raw_ops.PyFunc(input=[self.request, positions], token=TOKEN, Tout=kinds)


class DataService:
    """A tf.data service whose workers `gfla data serve worker` started.

    Args:
      address: HOST:PORT of the dispatcher.

    Raises:
      InputError: the address has another form.
    """

    def __init__(self, address: str):
        self.address = address
        self.host, self.port = parse_address(address, "data.service")

    def batches(
        self,
        dataset: DeepFashion | Market1501 | PairFile | SyntheticPeople,
        batch_size: int,
        *,
        seed: int,
        parts: bool,
        **options: Any,
    ) -> tf.data.Dataset:
        """Returns the batches of `dataset.as_dataset("train", repeat=True, heatmaps=False)` from the service.

        Each batch from `start` on is read once, by one of the workers, and batches arrive in any order.

        Args:
          dataset: the dataset, of which only the lists are read here.
          batch_size: as in `as_dataset`.
          seed: as in `as_dataset`.
          parts: whether to add part labels, which only SyntheticPeople has.
          **options: further arguments of `as_dataset`.

        Raises:
          InputError: the dispatcher does not answer.
        """
        request = RowRequest(served_data(dataset), seed, parts)
        if isinstance(dataset, SyntheticPeople):
            options["parts"] = parts
        else:
            options["scaled"] = False
        local = dataset.as_dataset(
            "train",
            batch_size,
            seed=seed,
            repeat=True,
            heatmaps=False,
            served=lambda reader: _ServedRows(reader.read, reader.specs, request=request.to_json()),
            **options,
        )
        connect(self.host, self.port).close()
        _log.info("training batches are read by the workers of the dispatcher at %s", self.address)
        return self._register(local).prefetch(tf.data.AUTOTUNE)

    def _register(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Sends the graph of a dataset to the dispatcher.

        TensorFlow waits for an answer without a limit, so this happens in a thread.
        """
        service = tf.data.experimental.service
        distribute = service.distribute(service.ShardingPolicy.DYNAMIC, f"grpc://{self.address}")
        result = _in_thread(lambda: dataset.apply(distribute), _ANSWER_SECONDS)
        if isinstance(result, tf.data.Dataset):
            return result
        if result is None or isinstance(result, tf.errors.OpError):
            raise InputError(
                f"the program at {self.address} does not answer like a dispatcher of the tf.data service: "
                f"data.service must be the address that `{command('data', 'serve', 'dispatcher')}` prints"
            )
        raise result


def parse_address(address: str, what: str) -> tuple[str, int]:
    """Returns the host and the port of HOST:PORT.

    Raises:
      InputError: another form.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise InputError(f"{what} must have the form HOST:PORT, for example localhost:5050, got {address!r}")
    return found["host"].strip("[]"), int(found["port"])


def connect(host: str, port: int) -> socket.socket:
    """Connects to a dispatcher.

    Raises:
      InputError: nothing accepts connections at the address.
    """
    try:
        return socket.create_connection((host, port), _CONNECT_SECONDS)
    except OSError as error:
        start = command("data", "serve", "dispatcher", "--port", str(port))
        raise InputError(
            f"no dispatcher of the tf.data service answers at {host}:{port} "
            f"({error.strerror or error}): start one there with `{start}`"
        ) from error


def _in_thread(function: Callable[[], Any], seconds: float) -> Any:
    """Returns the function's result or exception, or None if it takes longer."""
    results = []

    def call() -> None:
        try:
            results.append(function())
        except Exception as error:  # raised by the caller
            results.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else None
