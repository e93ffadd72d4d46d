"""One optimizer of a trainer, with the variables that it updates."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat


class Update:
    """One optimizer and the variables that it updates.

    As in Keras, the variables are those that are trainable at `compile`; recompile after changing
    `trainable`. If there are none, gradients are ignored.

    `norm`, a float32 tf.Variable, is the global norm of the gradients of the last step, summed over the
    replicas and before they are clipped. The variables are not updated while `enabled`, a bool tf.Variable,
    is False.

    Args:
      name: the argument of `compile`, for messages.
      optimizer: a new optimizer, or one that was built for the same variables.
      variables: the variables.
      clip_norm: gradients with a larger global norm are scaled to this norm.

    Raises:
      ValueError: the optimizer was built for other variables.
    """

    def __init__(
        self,
        name: str,
        optimizer: keras.optimizers.Optimizer,
        variables: list[Any],
        clip_norm: float | None = None,
    ):
        self.name = name
        self.optimizer = optimizer
        self.variables = list(variables)
        if not _compat.can_optimize(optimizer, self.variables):
            raise ValueError(
                f"{name} was already used for other variables, of another network or before a change of "
                "`trainable`: give a new instance"
            )
        optimizer.build(self.variables)
        self._finalize = optimizer.finalize_variable_values
        self.clip_norm = clip_norm
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.norm = tf.Variable(0.0, trainable=False, aggregation=first)
        self.enabled = tf.Variable(True, trainable=False, aggregation=first)

    def measure(self, gradients: list[tf.Tensor], loss_scale: float | tf.Tensor) -> tf.Tensor:
        """Sets `norm` to the global norm of gradients that are scaled by `loss_scale`, and returns it."""
        norm = tf.linalg.global_norm(gradients) / loss_scale if self.variables else tf.constant(0.0)
        self.norm.assign(norm)
        return norm

    def apply(self, gradients: list[tf.Tensor], norm: tf.Tensor, loss_scale: float | tf.Tensor) -> None:
        """Updates the variables.

        Args:
          gradients: summed over the replicas and scaled by `loss_scale`.
          norm: their norm, the result of `measure`.
        """
        if not self.variables:
            return
        factor = (_compat.loss_scale_factor(self.optimizer) or 1.0) / loss_scale  # by which Keras divides
        if self.clip_norm is not None:
            factor *= self.clip_norm / tf.maximum(norm, self.clip_norm)
        if not isinstance(factor, float) or factor != 1.0:
            gradients = [None if one is None else factor * one for one in gradients]
        _compat.apply_gradients(_compat.inner_optimizer(self.optimizer), gradients, self.variables)

    def finalize(self) -> None:
        """Sets the variables to their moving averages if the optimizer has `use_ema=True`.

        Before the first update, Keras's averages are zero, and nothing is changed.
        """
        if self.variables and int(self.optimizer.iterations.numpy()) > 0:
            self._finalize(self.variables)
