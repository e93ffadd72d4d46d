"""The optimizers of a trainer, each with the variables that it updates."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat

OptimizerLike = keras.optimizers.Optimizer | str | dict


class Update:
    """One optimizer and the variables that it updates.

    As in Keras, the variables are those that are trainable at `compile`; recompile after changing
    `trainable`. If there are none, gradients are ignored.

    Args:
      name: the argument of `compile`, for messages.
      optimizer: a new optimizer, or one that was built for the same variables.
      variables: the variables.

    Raises:
      ValueError: the optimizer was built for other variables.
    """

    def __init__(self, name: str, optimizer: keras.optimizers.Optimizer, variables: list[Any]):
        self.optimizer = optimizer
        self.variables = list(variables)
        if not _compat.can_optimize(optimizer, self.variables):
            raise ValueError(
                f"{name} was already used for other variables, of another network or before a change of "
                "`trainable`: give a new instance"
            )
        optimizer.build(self.variables)
        self._finalize = optimizer.finalize_variable_values

    def gradients(self, tape: tf.GradientTape, loss: tf.Tensor) -> list[tf.Tensor]:
        """Returns the gradients of a loss with respect to `variables`, scaled as `apply` expects them."""
        return self.gradients_of([self], tape, loss)[0]

    @staticmethod
    def gradients_of(updates: list[Update], tape: tf.GradientTape, loss: tf.Tensor) -> list[list[tf.Tensor]]:
        """Returns the gradients for several updates, computed at once; their loss scales are the same."""
        scale = _compat.scaled_loss(updates[0].optimizer, tf.ones_like(loss))
        return tape.gradient(loss, [update.variables for update in updates], output_gradients=scale)

    def apply(self, gradients: list[tf.Tensor]) -> None:
        """Applies gradients of `gradients`."""
        if self.variables:
            _compat.apply_gradients(self.optimizer, gradients, self.variables)

    def finalize(self) -> None:
        """Sets the variables to their moving averages if the optimizer has `use_ema=True`.

        Before the first update, Keras's averages are zero, and nothing is changed.
        """
        if self.variables and int(self.optimizer.iterations) > 0:
            self._finalize(self.variables)


class Updates:
    """The updates of a trainer, by the name of their argument of `compile`; the first is Keras's `optimizer`.

    Keras knows one optimizer per model, and pairs it with the trainable variables by position. This class
    does instead what Keras does with the optimizer of a model: it finalizes the variables of every optimizer
    at the end of `fit`, and shows all optimizers to callbacks such as `keras.callbacks.SwapEMAWeights`.

    Args:
      optimizers: the optimizers, by name.
      variables: the variables of each of them, by name.
    """

    def __init__(
        self, optimizers: Mapping[str, keras.optimizers.Optimizer], variables: Mapping[str, list[Any]]
    ):
        self.by_name = {name: Update(name, one, variables[name]) for name, one in optimizers.items()}
        first, *others = self.by_name.values()
        if others:
            _compat.inner_optimizer(first.optimizer).optimizers = self

    def __iter__(self) -> Iterator[keras.optimizers.Optimizer]:
        """Yields the optimizers, without wrappers for loss scaling, as `SwapEMAWeights` looks for them."""
        return (_compat.inner_optimizer(update.optimizer) for update in self.by_name.values())

    @contextlib.contextmanager
    def finalized_by_keras(self) -> Iterator[None]:
        """Makes Keras's `fit` finalize the variables of every optimizer, before the end of the training."""
        first, *_ = (update.optimizer for update in self.by_name.values())
        finalize = [update.finalize for update in self.by_name.values()]
        first.finalize_variable_values = lambda variables: [one() for one in finalize]
        try:
            yield
        finally:
            del first.finalize_variable_values


def get_optimizers(given: Mapping[str, OptimizerLike]) -> dict[str, keras.optimizers.Optimizer]:
    """Returns the optimizers of the arguments of `compile`, by name.

    Raises:
      ValueError: an unknown optimizer, one of another kind, or one instance that is given twice.
    """
    found = {name: keras.optimizers.get(one) for name, one in given.items()}
    for name, one in found.items():
        if not isinstance(one, keras.optimizers.Optimizer):
            raise ValueError(
                f"{name} must be a keras.optimizers.Optimizer, its name or its configuration, got {one!r}"
            )
    if len({id(_compat.inner_optimizer(one)) for one in found.values()}) < len(found):
        raise ValueError("each network needs its own optimizer; one instance is given twice")
    return found
