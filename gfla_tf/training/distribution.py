"""Training on several devices of a machine or on several machines, with the strategies of `tf.distribute`."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.config import Config
from gfla_tf.console import echo
from gfla_tf.errors import InputError
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.training.cluster import Cluster, read_cluster
from gfla_tf.training.replicas import any_worker, sum_over_workers

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnknownError,
)
"""What TensorFlow raises in a collective operation when another worker does not answer."""


class Distribution:
    """The devices of a run, and what this process, one of the `workers`, does of it.

    Every worker takes part in every step, evaluation and checkpoint. Only the first, the chief, writes into
    the run folder.

    Args:
      strategy: the strategy; None trains on one device, without `tf.distribute`.
      cluster: the workers; None if this process is the only one.

    Attributes:
      workers: the number of processes.
      worker: the index of this process; the chief is 0.
      replicas: the number of devices of all workers together.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None, cluster: Cluster | None = None):
        self.strategy = strategy
        self.addresses = cluster.workers if cluster else ("localhost",)
        self.worker = cluster.index if cluster else 0
        self.workers = len(self.addresses)
        self.replicas = strategy.num_replicas_in_sync if strategy else 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.worker == 0

    @property
    def shard(self) -> tuple[int, int] | None:
        """The (index, parts) of the rows of each batch that this worker reads; None for all rows."""
        return (self.worker, self.workers) if self.workers > 1 else None

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Context manager in which the networks, features, optimizers and trainers are made."""
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            yield

    def distribute(
        self, batches: tf.data.Dataset, batch_size: int
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Divides the rows of each batch among the devices of this worker, in order.

        Args:
          batches: this worker's part of each batch, as a dataset with `shard=self.shard` returns it.
          batch_size: the rows of a full batch of all workers together, divisible by `replicas`.

        Returns:
          What `fit` takes. Its number of batches is not known, so `fit` and `evaluate` need their number of
          steps.
        """
        if self.strategy is None:
            return batches
        devices = self.replicas // self.workers
        if devices > 1:
            batches = batches.rebatch(batch_size // self.replicas)
        return self.strategy.distribute_datasets_from_function(lambda context: batches)

    def copy(self, features: FeatureNetwork) -> FeatureNetwork:
        """Returns the feature network of the chief on every device; all workers must call this in `scope`."""
        if self.strategy is None:
            return features
        copied = type(features).from_config(features.get_config())
        weights = features.get_weights()
        if self.workers > 1:  # trained on different machines, they could differ by rounding
            weights = [sum_over_workers(self.strategy, one * self.is_chief) for one in weights]
        copied.set_weights(weights)
        return copied

    @functools.cached_property
    def scratch_folder(self) -> Path:
        """A temporary folder of this process, for the files of a worker that is not the chief."""
        self._scratch = tempfile.TemporaryDirectory(prefix="gfla-worker-")
        return Path(self._scratch.name)

    def check_same(self, what: str, *values: Any) -> None:
        """Checks that all workers have the same values, which are compared as text.

        All workers must call this function.

        Args:
          what: the name of the values, for the message.
          *values: the values.

        Raises:
          InputError: they differ.
        """
        if self.workers == 1:
            return
        own = zlib.crc32(repr(values).encode())
        if any_worker(self.strategy, self.workers * own != sum_over_workers(self.strategy, own)):
            raise InputError(f"the workers do not have the same {what}; start all of them alike")

    def close(self) -> None:
        """Ends the checks of the other workers, with which this worker does not communicate any more."""
        if self.workers > 1:
            _compat.stop_health_checks(self.strategy)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Context manager for code in which the workers communicate; it calls `close` at its end.

        Raises:
          InputError: another worker has ended or cannot be reached.
        """
        if self.workers == 1:
            yield
            return
        try:
            yield
        except _LOST as error:
            others = ", ".join(address for i, address in enumerate(self.addresses) if i != self.worker)
            raise InputError(
                f"worker {self.worker} lost the connection to another worker ({others}): see the messages of "
                "that worker, and start all workers again with --resume"
            ) from error
        finally:
            self.close()


def open_distribution(config: Config) -> Distribution:
    """Returns the distribution of a configuration, and connects the workers with each other.

    With strategy=multiworker it must be called before TensorFlow executes its first operation, and it waits
    until all workers have called it.

    Raises:
      InputError: the cluster is missing or invalid, this worker cannot listen at its address, TensorFlow has
        already started, or `batch_size` is not divisible by the number of replicas.
    """
    if config.strategy == "none":
        return Distribution()
    if config.jit_compile:
        raise InputError(
            f"jit_compile=true and strategy={config.strategy} exclude each other: XLA compiles for one device"
        )
    if config.strategy == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        distribution = Distribution(tf.distribute.MirroredStrategy([device.name for device in devices]))
    else:
        distribution = _connect(read_cluster(os.environ))
    replicas, parts = distribution.replicas, config.accumulation
    if config.batch_size % (replicas * parts):
        what = f"{replicas} replica{'s' if replicas > 1 else ''}"
        what += f" times accumulation={parts}" if parts > 1 else ""
        raise InputError(f"batch_size={config.batch_size} must be divisible by {what}")
    return distribution


def comparable(config: Config) -> Config:
    """Returns a configuration without the paths and numbers that may differ between workers."""
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, root=None, workers=0),
        features=dataclasses.replace(config.features, weights="random"),
    )


def _connect(cluster: Cluster) -> Distribution:
    """Starts the server of this worker, and waits for the other workers."""
    address = cluster.workers[cluster.index]
    echo(f"worker {cluster.index} of {len(cluster.workers)} at {address}: waiting for all workers")
    try:
        strategy = _compat.multi_worker_strategy()
    except RuntimeError as error:
        raise InputError(
            "strategy=multiworker must be opened before TensorFlow executes its first operation: start a new "
            "process"
        ) from error
    except tf.errors.OpError as error:
        reason = (error.message or "").partition("\n")[0]
        raise InputError(
            f"worker {cluster.index} cannot start at {address}, or not all workers have answered ({reason})"
        ) from error
    return Distribution(strategy, cluster)
