"""What `keras.Model` lacks under the strategies of `tf.distribute`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat


class DistributedModel(keras.Model):
    """A `keras.Model` that trains and is evaluated under `tf.distribute.MultiWorkerMirroredStrategy`.

    Keras 3 fails there for every model, in two steps (`_compat.LACKS_MULTIWORKER`):

      * `_maybe_symbolic_build` averages a batch over the replicas to build the model. Our trainers are built
        by their constructors, so that there is nothing to do.
      * `reduce_per_replica` averages the logs of the replicas along their axis 0, which scalars do not have.
        Here each of them has one.

    The results of metrics are those of all replicas, on both versions of Keras.
    """

    def check_scope(self) -> None:
        """Checks that this model was made in the scope of the strategy that trains it, with all its parts.

        Raises:
          ValueError: a variable belongs to another strategy or to none.
        """
        strategy = self.distribute_strategy
        for variable in _compat.tf_variables(self):
            if not strategy.extended.variable_created_in_scope(variable):
                raise ValueError(
                    f"{variable.name} was made outside the scope of the {type(strategy).__name__} that "
                    "trains it: make the networks, the features, the optimizers and the trainer in one "
                    "`with strategy.scope():`"
                )

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
