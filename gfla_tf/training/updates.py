"""All updates of a trainer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras

from gfla_tf import _compat
from gfla_tf.training.failure import Failure
from gfla_tf.training.half_step import HalfStep
from gfla_tf.training.update import Update

OptimizerLike = keras.optimizers.Optimizer | str | dict


class Updates:
    """The updates of a trainer, by the name of their argument of `compile`; the first is Keras's `optimizer`.

    `half_steps` has the updates of each loss, and `failure` records the first value that is not finite.

    Keras knows one optimizer per model, and pairs it with the trainable variables by position. This class
    does instead what Keras does with the optimizer of a model: it finalizes the variables of every optimizer
    at the end of `fit`, and shows all optimizers to callbacks such as `keras.callbacks.SwapEMAWeights`.

    Args:
      optimizers: the optimizers, by name.
      variables: the variables of each of them, by name.
      names_by_loss: the names of the optimizers of each loss.
      terms: the names of all losses that are checked.
      state: other variables, which are changed when a loss is computed.
      clip_norm: the largest global norm of the gradients of each optimizer.

    Raises:
      ValueError: an optimizer was built for other variables, or optimizers scale one loss in different ways.
    """

    def __init__(
        self,
        optimizers: Mapping[str, keras.optimizers.Optimizer],
        variables: Mapping[str, list[Any]],
        names_by_loss: Mapping[str, Sequence[str]],
        terms: Iterable[str],
        state: Sequence[Any],
        clip_norm: float | None = None,
    ):
        self.by_name = {
            name: Update(name, one, variables[name], clip_norm) for name, one in optimizers.items()
        }
        self.failure = Failure(
            [f"loss {name}" for name in terms] + [f"gradients of {name}" for name in optimizers]
        )
        self.half_steps = {
            loss: HalfStep([self.by_name[name] for name in names], self.failure, state)
            for loss, names in names_by_loss.items()
        }
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

    @contextlib.contextmanager
    def same_enabled(self) -> Iterator[None]:
        """Context manager at whose end, also after an exception, the same updates are enabled as before."""
        before = {name: bool(update.enabled.numpy()) for name, update in self.by_name.items()}
        try:
            yield
        finally:
            for name, update in self.by_name.items():
                if bool(update.enabled.numpy()) != before[name]:
                    update.enabled.assign(before[name])


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
