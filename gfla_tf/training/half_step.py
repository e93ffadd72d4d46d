"""The gradients of one loss and what they update: all of it, or nothing if a value is not finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from gfla_tf.training.failure import Failure
from gfla_tf.training.loss_scale import LossScale
from gfla_tf.training.replicas import sum_over_replicas
from gfla_tf.training.update import Update


class HalfStep:
    """The updates of one loss, which share a loss scale; all of them are applied, or none.

    Args:
      updates: the updates.
      failure: records values that are not finite.
      state: other variables, which are changed when the loss is computed.

    Raises:
      ValueError: the optimizers scale the loss in different ways.
    """

    def __init__(self, updates: Sequence[Update], failure: Failure, state: Sequence[Any] = ()):
        self.updates = list(updates)
        self.failure = failure
        self.state = list(state)
        self.loss_scale = LossScale({update.name: update.optimizer for update in updates})

    def gradients(self, tape: tf.GradientTape, loss: tf.Tensor, share: float = 1.0) -> list[list[tf.Tensor]]:
        """Returns the gradients of a loss for each update, scaled as `apply` expects them.

        Args:
          tape: the tape of the loss.
          loss: a scalar, a mean over the examples of this replica.
          share: the factor of the loss, if it is a mean over a part of them.
        """
        unconnected = "none" if share == 1.0 else "zero"  # which can be added
        share = share / tf.distribute.get_strategy().num_replicas_in_sync
        scale = tf.ones_like(loss) * share * self.loss_scale.value()
        variables = [update.variables for update in self.updates]
        return tape.gradient(loss, variables, scale, unconnected)

    def snapshot(self) -> list[tf.Tensor]:
        """Returns the values of `state`."""
        return [tf.identity(tf.convert_to_tensor(variable)) for variable in self.state]

    def zeros(self) -> list[list[tf.Tensor]]:
        """Returns zeros of the shapes of `gradients`."""
        return [
            [tf.zeros(variable.shape, variable.dtype) for variable in update.variables]
            for update in self.updates
        ]

    def apply(
        self,
        gradients: list[list[tf.Tensor]],
        terms: Mapping[str, tf.Tensor],
        before: Sequence[tf.Tensor] = (),
    ) -> None:
        """Applies the gradients, summed over the replicas, if all values are finite.

        If they are not, the first of them is recorded in `failure`, and neither this nor a later step changes
        a variable; `state` is restored. With a dynamic loss scale, gradients may be infinite because of the
        scale; then it is lowered, and only this step is skipped.

        Args:
          gradients: the result of `gradients`, or the sum of several.
          terms: the losses, by name.
          before: the `snapshot` before the losses were computed.
        """
        gradients, terms = sum_over_replicas((gradients, dict(terms)))
        scale = self.loss_scale.value()
        norms = [one.measure(grads, scale) for one, grads in zip(self.updates, gradients, strict=True)]
        finite = tf.reduce_all(tf.math.is_finite(norms))
        broken = {f"loss {name}": ~tf.math.is_finite(term) for name, term in terms.items()}
        for update, norm in zip(self.updates, norms, strict=True):
            broken[f"gradients of {update.name}"] = ~(
                tf.math.is_finite(norm) | self.loss_scale.can_be_lowered()
            )
        self.failure.record(broken)
        good = self.failure.is_none()
        work = [
            (good & finite & update.enabled, update.apply, (grads, norm, scale))
            for update, grads, norm in zip(self.updates, gradients, norms, strict=True)
        ]
        if self.state:
            work.append((~good, self._restore, (list(before),)))
        _run_where_true(work)
        if self.loss_scale.is_dynamic:
            _run_where_true([(good, self.loss_scale.adjust, (finite,))])

    def _restore(self, values: Sequence[tf.Tensor]) -> None:
        for variable, value in zip(self.state, values, strict=True):
            variable.assign(value)


def _run_where_true(work: Sequence[tuple[tf.Tensor, Callable[..., None], tuple[Any, ...]]]) -> None:
    """Calls each (condition, function, arguments) whose condition, equal on all replicas, is True.

    Under a strategy whose variables are updated by all replicas at once, as `MirroredStrategy`, a condition
    in one replica must not contain an update; there, the conditions are evaluated outside of the replicas.
    """
    conditions, functions, arguments = zip(*work, strict=True)
    if tf.__internal__.distribute.strategy_supports_no_merge_call():
        for condition, function, given in work:
            tf.cond(condition, lambda function=function, given=given: _call(function, given), _nothing)
        return

    def outside(strategy, conditions, arguments):
        for condition, function, given in zip(conditions, functions, arguments, strict=True):
            everywhere = _replicated(strategy, function, given)
            tf.cond(strategy.experimental_local_results(condition)[0], everywhere, _nothing)

    tf.distribute.get_replica_context().merge_call(outside, args=(conditions, arguments))


def _replicated(strategy, function, given):
    def call():
        strategy.extended.call_for_each_replica(function, args=given)
        return _nothing()

    return call


def _call(function, given):
    function(*given)
    return _nothing()


def _nothing():
    return tf.constant(0)
