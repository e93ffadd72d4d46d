"""What `keras.Model` lacks under the strategies of `tf.distribute`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.training.replicas import any_worker

_STRATEGIES = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)


class DistributedModel(keras.Model):
    """A `keras.Model` that trains and is evaluated under `tf.distribute.MultiWorkerMirroredStrategy`.

    Keras 3 fails there for every model, in two steps (`_compat.LACKS_MULTIWORKER`):

      * `_maybe_symbolic_build` averages a batch over the replicas to build the model. Our trainers are built
        by their constructors, so that there is nothing to do.
      * `reduce_per_replica` averages the logs of the replicas along their axis 0, which scalars do not have.
        Here each of them has one.

    The results of metrics are those of all replicas, on both versions of Keras.
    """

    def compile(self, *args: Any, jit_compile: bool = False, **kwargs: Any) -> None:
        """Compiles the model, as `keras.Model.compile`.

        Raises:
          ValueError: `jit_compile` is True under a strategy, or the model or an optimizer was made outside of
            the scope of its strategy.
        """
        strategy = self.distribute_strategy
        if jit_compile and isinstance(strategy, _STRATEGIES):
            raise ValueError(
                f"jit_compile=True and {type(strategy).__name__} exclude each other: XLA compiles for one "
                "device"
            )
        self.check_scope(self.variables)
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains the model, as `keras.Model.fit`.

        Raises:
          ValueError: the model was made outside of the scope of the strategy of this call.
        """
        self.check_scope(self.variables)
        return super().fit(*args, **kwargs)

    def check_scope(self, variables: Iterable[Any]) -> None:
        """Checks that variables were made in the scope of the strategy that trains this model.

        Raises:
          ValueError: one belongs to another strategy or to none.
        """
        strategy = self.distribute_strategy
        for variable in map(_compat.tf_variable, variables):
            if not strategy.extended.variable_created_in_scope(variable):
                raise ValueError(
                    f"{variable.name} was made outside of the scope of the {type(strategy).__name__} that "
                    "trains it: make the networks, the features, the optimizers and the trainer in one "
                    "`with strategy.scope():`"
                )

    @property
    def is_chief(self) -> bool:
        """Whether this process writes files: the first of several workers does."""
        return self.distribute_strategy.extended.should_checkpoint

    def any_worker(self, flag: bool) -> bool:
        """Returns whether a flag is True on any worker. All workers must call this function."""
        return any_worker(self.distribute_strategy, flag)

    def metric_values(self) -> list[np.ndarray]:
        """Returns the values of the metrics' variables, summed over the replicas.

        All workers must call this function.
        """
        with self.distribute_strategy.scope():
            return [np.array(one.read_value()) for one in self._metric_variables()]

    def set_metric_values(self, values: list[np.ndarray]) -> None:
        """Sets the metrics' variables to the result of `metric_values`."""
        with self.distribute_strategy.scope():
            for variable, value in zip(self._metric_variables(), values, strict=True):
                variable.assign(value)

    def _metric_variables(self) -> list[tf.Variable]:
        return [_compat.tf_variable(one) for metric in self.metrics for one in metric.variables]

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the results of the metrics that were updated, over all replicas, by name."""
        with self.distribute_strategy.scope():
            return super().get_metrics_result()

    def _maybe_symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        if not _compat.LACKS_MULTIWORKER:
            super()._maybe_symbolic_build(*args, **kwargs)

    def _make_function(self, step_function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        several = isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if not (several and _compat.LACKS_MULTIWORKER):
            return super()._make_function(step_function)

        def step(data: Any) -> Any:
            return tf.nest.map_structure(lambda value: tf.reshape(value, [1]), step_function(data))

        return super()._make_function(step)
