"""Base class of models with several losses and optimizers, whose steps can be computed in parts."""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, arguments
from gfla_tf.training.batch import Batch
from gfla_tf.training.distributed_model import DistributedModel
from gfla_tf.training.failure import Failure
from gfla_tf.training.half_step import HalfStep
from gfla_tf.training.parts import sum_of_parts
from gfla_tf.training.update import Update
from gfla_tf.training.updates import Updates

_MAX_NORM = 1e9
_MAX_PARTS = 10**4
_COMPILE_OPTIONS = ("run_eagerly", "steps_per_execution", "auto_scale_loss")

_log = logging.getLogger("gfla_tf")


class OptimizedModel(DistributedModel):
    """A model that updates its variables in half-steps, one for each of its losses.

    `steps_done`, an int64 tf.Variable, is the number of steps of `fit` so far. If a loss or gradient is not
    finite, its step and all later ones of this `fit` change nothing and are not counted; `failure` has its
    name.
    """

    trackers: Mapping[str, keras.metrics.Metric]

    def __init__(self, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.optimizer_updates = None  # before `compile`
        steps_done = tf.Variable(
            0, False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA, name="steps_done"
        )
        object.__setattr__(self, "steps_done", steps_done)  # not a weight of the files that `save` writes

    def optimized_variables(self, names: Collection[str]) -> dict[str, list[Any]]:
        """Returns the variables that each optimizer updates, for the `names` of the given optimizers."""
        raise NotImplementedError

    def losses_of_updates(self, names: Collection[str]) -> dict[str, list[str]]:
        """Returns for each loss the names of the optimizers of its gradients, in the order of the updates."""
        raise NotImplementedError

    def state_of_losses(self) -> list[Any]:
        """Returns the variables that are changed when the losses are computed."""
        return []

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks by their names in the paper, for messages."""
        raise NotImplementedError

    def half_step_gradients(
        self, loss: str, batch: Batch
    ) -> tuple[list[list[tf.Tensor]], dict[str, tf.Tensor]]:
        """Returns the gradients of the half-step of a loss, for each of its optimizers, and its losses.

        The gradients are scaled as `HalfStep.apply` expects them.

        Args:
          loss: its name in `losses_of_updates`.
          batch: a dict as `take_batch` returns it.
        """
        raise NotImplementedError

    def compile_updates(
        self,
        optimizers: dict[str, keras.optimizers.Optimizer],
        jit_compile: bool,
        clip_norm: float | None,
        accumulation: int,
        options: Mapping[str, Any],
    ) -> None:
        """Compiles the trainer and sets one attribute per optimizer, and `optimizer_updates`.

        Args:
          optimizers: the optimizers by the names of their arguments, the first for `keras.Model.compile`.
          jit_compile: whether to compile the steps with XLA.
          clip_norm: the largest global norm of the gradients of each optimizer.
          accumulation: the number of parts of a batch that a step computes one after the other.
          options: other arguments of `keras.Model.compile`.

        Raises:
          ValueError: an option that has no effect here, an optimizer that was used for other variables, or
            optimizers that scale one loss in different ways.
        """
        if clip_norm is not None:
            arguments.number("clip_norm", clip_norm, 0, _MAX_NORM, strict=True)
        self.accumulation = arguments.integer("accumulation", accumulation, 1, _MAX_PARTS)
        unused = [name for name in options if name not in _COMPILE_OPTIONS]
        if unused:
            raise ValueError(
                f"compile does not use {', '.join(unused)}: the losses and their loss_weights are arguments "
                f"of {type(self).__name__}"
            )
        self.check_scope(_compat.inner_optimizer(one).iterations for one in optimizers.values())
        first, *others = optimizers
        super().compile(optimizers[first], jit_compile=jit_compile, **options)
        optimizers = {first: self.optimizer, **{name: optimizers[name] for name in others}}
        for name in others:
            if options.get("auto_scale_loss", True):
                optimizers[name] = _compat.for_precision(optimizers[name])  # as Keras does with the first
            setattr(self, name, optimizers[name])
        self.optimizer_updates = Updates(
            optimizers,
            self.optimized_variables(optimizers),
            self.losses_of_updates(optimizers),
            [name for name in self.trackers if name != "loss"],
            self.state_of_losses(),
            clip_norm,
        )
        self.compile_options = {
            "jit_compile": jit_compile,
            "clip_norm": clip_norm,
            "accumulation": accumulation,
            **options,
        }

    def update_of(self, name: str) -> Update:
        """Returns the update of an optimizer by the name of its argument of `compile`."""
        return self.optimizer_updates.by_name[name]

    def half_step(self, loss: str) -> HalfStep:
        """Returns the updates of a loss by its name in `losses_of_updates`."""
        return self.optimizer_updates.half_steps[loss]

    @property
    def failure(self) -> Failure:
        """What records the first loss or gradient that is not finite."""
        return self.optimizer_updates.failure

    @property
    def gradient_norms(self) -> dict[str, tf.Variable]:
        """The global norm of each optimizer's gradients in the last step, before clipping, by name."""
        return {name: update.norm for name, update in self.optimizer_updates.by_name.items()}

    def count_step(self) -> None:
        """Adds 1 to `steps_done`, unless a value was not finite."""
        self.steps_done.assign_add(tf.cast(self.failure.is_none(), tf.int64))

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile`, with which Keras compiles a loaded trainer."""
        if self.optimizer_updates is None:
            return {}
        optimizers = {
            name: keras.saving.serialize_keras_object(update.optimizer)
            for name, update in self.optimizer_updates.by_name.items()
        }
        return {**optimizers, **self.compile_options}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the trainer with the result of `get_compile_config`.

        Files of earlier versions contain the arguments of `keras.Model.compile` instead, which lack some
        optimizers; such a trainer is loaded without being compiled.
        """
        if "loss" not in config:
            self.compile(**config)

    def checkpoint_optimizers(self) -> list[keras.optimizers.Optimizer]:
        """Returns the optimizers of `compile`."""
        return [update.optimizer for update in self.optimizer_updates.by_name.values()]

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains as `keras.Model.fit`; each `use_ema` optimizer finalizes the variables that it updates.

        If a loss or gradient is not finite, and no `FiniteGuard` raises an error, a warning is logged at the
        end.
        """
        if self.optimizer_updates is None:
            return super().fit(*args, **kwargs)  # raises Keras's own error
        if self.failure.term is not None:  # of an earlier `fit`
            self.failure.clear()
        with self.optimizer_updates.finalized_by_keras(), self.optimizer_updates.same_enabled():
            history = super().fit(*args, **kwargs)
        if self.failure.term is not None:
            steps = int(self.steps_done.numpy())
            _log.warning(
                "the %s was NaN or infinite in step %d: this step and those after it changed nothing",
                self.failure.term,
                steps + 1,
            )
        return history

    def in_parts(
        self,
        function: Callable[[Batch], tuple[list[list[tf.Tensor]], dict[str, tf.Tensor]]],
        batch: Batch,
        half_step: HalfStep,
        names: Collection[str],
    ) -> tuple[list[list[tf.Tensor]], dict[str, tf.Tensor]]:
        """Returns the gradients and the losses of a batch, computed in `accumulation` equal parts.

        Args:
          function: returns the gradients of `half_step` and the losses of a part, both times `share`.
          batch: the batch.
          half_step: the half-step.
          names: the names of the losses.
        """
        zeros = (half_step.zeros(), dict.fromkeys(names, tf.constant(0.0)))
        return sum_of_parts(function, batch, self.accumulation, zeros)

    def shares(self, terms: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the losses of a part, each times `share`."""
        return {name: self.share * term for name, term in terms.items()}

    @property
    def share(self) -> float:
        """The share of a part in a batch, 1 / accumulation."""
        return 1.0 / self.accumulation
