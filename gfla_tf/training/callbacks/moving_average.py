"""Exponential moving averages of the weights of the trained generator."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, arguments
from gfla_tf.training.callbacks.logs import Logs

_DISCRIMINATOR = "discriminator_optimizer"


class ExponentialMovingAverage(keras.callbacks.Callback):
    """Averages the weights of F, or of F and G, over the steps, and uses the averages for validation.

    With w(k) the weights after step k, and w(0) those at the start of the training:

        a(0) = w(0),   a(k) = decay a(k-1) + (1 - decay) w(k)

    The averages start from the weights, not from zero, so no correction of a bias is needed; w(0) has the
    weight decay^k in a(k). The variables are those that the optimizers of F and G update; D is not averaged.
    With `steps_per_execution` = n, only the weights after every n-th step enter, with the weight 1 - decay^n.

    Validation (in `fit` and in `evaluate` with this callback) uses the averages. At the end of `fit`, the
    averages are in the model, so that `save` saves them. `use_weights()` puts the weights of the last step
    into the model, `use_averages()` the averages. A later `fit` with this callback continues from the
    weights.

    `use_ema` of Keras's optimizers is independent of this callback: it sets the variables to its own
    averages at the end of each `fit`, before this callback does. Use one of them.

    Args:
      decay: above 0 and below 1. The average is that of about the last 1 / (1 - decay) steps.

    Raises:
      ValueError: `decay` is out of range.

    Example:

    ```python
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer
    from gfla_tf.training.callbacks import ExponentialMovingAverage

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    trainer = FlowTrainer(model.flow_field_estimator, VGG19Features("random", width_multiplier=1 / 16))
    trainer.compile("adam", run_eagerly=True)  # for a few steps only
    average = ExponentialMovingAverage(0.999)
    batches = people.as_dataset("train", batch_size=2, repeat=True)
    trainer.fit(batches, steps_per_epoch=1, callbacks=[average], verbose=0)
    model.save("averages.keras")
    average.use_weights()
    model.save("weights.keras")
    ```
    """

    def __init__(self, decay: float):
        super().__init__()
        self.decay = arguments.number("decay", decay, 0, 1, strict=True)
        if self.decay == 1:
            raise ValueError("decay must be below 1")
        self._trainer: Any = None
        self._in_test = False

    def set_model(self, model: keras.Model) -> None:
        """Creates the averages for a compiled trainer; later calls for the same trainer do nothing."""
        super().set_model(model)
        if model is self._trainer:
            return
        self._trainer = model
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self._strategy = model.distribute_strategy
        updates = model.optimizer_updates.by_name
        self._weights = [
            _compat.tf_variable(variable)
            for name, update in updates.items()
            if name != _DISCRIMINATOR
            for variable in update.variables
        ]
        with self._strategy.scope():
            self._averages = [
                tf.Variable(tf.zeros(one.shape, one.dtype), trainable=False, aggregation=first)
                for one in self._weights
            ]
            self._started, self._exchanged = (
                tf.Variable(False, trainable=False, aggregation=first) for _ in range(2)
            )
            self._steps = tf.Variable(0, trainable=False, dtype=tf.int64, aggregation=first)
        self._start, self._update, self._exchange = (
            tf.function(one) for one in (self._start_step, self._update_step, self._exchange_step)
        )

    def checkpoint_variables(self) -> list[tf.Variable]:
        """Returns the variables from which the averages continue, after `set_model`."""
        return [self._started, self._exchanged, self._steps, *self._averages]

    def use_averages(self) -> None:
        """Puts the averages into the model, if they are not there and there has been a training."""
        if self._trainer is not None and _is(self._started) and not _is(self._exchanged):
            self._run(self._exchange)

    def use_weights(self) -> None:
        """Puts the weights of the last step into the model, if the averages are there."""
        if self._trainer is not None and _is(self._exchanged):
            self._run(self._exchange)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Context manager in which the averages are in the model."""
        before = self._trainer is not None and _is(self._exchanged)
        self.use_averages()
        try:
            yield
        finally:
            if not before:
                self.use_weights()

    @contextlib.contextmanager
    def not_averaged(self) -> Iterator[None]:
        """Context manager in which the weights of the last step are in the model; then the averages are."""
        self.use_weights()
        try:
            yield
        finally:
            self.use_averages()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._in_test = False
        self.use_weights()
        if not _is(self._started):
            self._run(self._start)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._run(self._update)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._in_test = not _is(self._exchanged)
        self.use_averages()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self._in_test:
            self.use_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.use_averages()

    def _run(self, function: Any) -> None:
        with self._strategy.scope():
            function()

    def _for_each(self, function: Any, *given: Any) -> None:
        """Calls function(average, weight, ...) for each variable, on each device that has a copy of it."""
        for average, weight in zip(self._averages, self._weights, strict=True):
            self._strategy.extended.update(average, function, args=(weight, *given))

    def _start_step(self) -> None:
        self._for_each(lambda average, weight: average.assign(weight.read_value()))
        self._steps.assign(self._trainer.steps_done)
        self._started.assign(True)

    def _update_step(self) -> None:
        steps = self._trainer.steps_done - self._steps
        change = 1.0 - tf.pow(tf.constant(self.decay, tf.float64), tf.cast(steps, tf.float64))
        self._for_each(_move, change)
        self._steps.assign(self._trainer.steps_done)

    def _exchange_step(self) -> None:
        """Exchanges weights and averages, and records it in one call, which no exception can interrupt.

        A checkpoint contains the record, so that it is right also if the averages are in the model.
        """
        self._for_each(_exchange)
        self._exchanged.assign(tf.logical_not(self._exchanged))


def averaged(average: ExponentialMovingAverage | None) -> contextlib.AbstractContextManager[None]:
    """Returns a context manager in which the averages are in the model; without averages, it does nothing."""
    return contextlib.nullcontext() if average is None else average.averaged()


def _is(variable: tf.Variable) -> bool:
    return bool(variable.numpy())


def _move(average: tf.Variable, weight: tf.Variable, change: tf.Tensor) -> None:
    average.assign_add(tf.cast(change, average.dtype) * (weight.read_value() - average.read_value()))


def _exchange(average: tf.Variable, weight: tf.Variable) -> None:
    old, new = weight.read_value(), average.read_value()
    weight.assign(new)
    average.assign(old)
