"""The loss scale of half precision, which all optimizers of one loss share."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from gfla_tf import _compat

_LEAST = 1.0  # gradients that are not finite at this scale are not finite without one either


class LossScale:
    """The factor of a loss before its gradients are computed, so that small ones are not 0 in float16.

    It is that of the `LossScaleOptimizer` among the optimizers: halved, and the step skipped, if a gradient
    is not finite, and doubled after `dynamic_growth_steps` finite steps. Or it is a constant, the
    `loss_scale_factor` of the optimizers. Without either it is 1.

    Args:
      optimizers: the optimizers of one loss by name, built.

    Raises:
      ValueError: the optimizers scale the loss in different ways.
    """

    def __init__(self, optimizers: Mapping[str, keras.optimizers.Optimizer]):
        wrapped = [one for one in optimizers.values() if _compat.inner_optimizer(one) is not one]
        ways = {(one.initial_scale, one.dynamic_growth_steps) for one in wrapped}
        ways |= {(factor,) for factor in map(_compat.loss_scale_factor, optimizers.values()) if factor}
        if len(ways) > 1:
            raise ValueError(
                f"{' and '.join(optimizers)} have gradients of one loss and must scale it in the same way: "
                "give them the same loss_scale_factor, or the same arguments of LossScaleOptimizer"
            )
        self._state = _compat.dynamic_loss_scale(wrapped[0]) if wrapped else None
        self._growth_steps = wrapped[0].dynamic_growth_steps if wrapped else None
        self._constant = 1.0
        if self._state is None and ways:
            self._constant = float(wrapped[0].initial_scale) if wrapped else next(iter(ways))[0]

    @property
    def is_dynamic(self) -> bool:
        """Whether the scale changes."""
        return self._state is not None

    def value(self) -> float | tf.Tensor:
        """Returns the scale: a float if it is constant, otherwise a float32 scalar."""
        return self._constant if self._state is None else tf.convert_to_tensor(self._state[0])

    def set(self, value: float) -> None:
        """Sets a dynamic scale."""
        if self._state is not None:
            self._state[0].assign(value)

    def can_be_lowered(self) -> bool | tf.Tensor:
        """Returns whether gradients that are not finite may be so because of the scale."""
        return False if self._state is None else self.value() > _LEAST

    def adjust(self, finite: tf.Tensor) -> None:
        """Changes a dynamic scale after a step, whose gradients were `finite` or not (a bool scalar)."""
        scale, steps = self._state
        count = tf.convert_to_tensor(steps) + 1
        grow = finite & (count >= self._growth_steps)
        higher, lower = self.value() * 2.0, tf.maximum(self.value() * 0.5, _LEAST)
        higher = tf.where(tf.math.is_finite(higher), higher, self.value())
        steps.assign(tf.where(finite & ~grow, count, tf.zeros_like(count)))
        scale.assign(tf.where(finite, tf.where(grow, higher, self.value()), lower))
