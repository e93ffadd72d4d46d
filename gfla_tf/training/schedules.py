"""Learning rate schedule of a training stage: linear warmup, then decay to a final rate."""

import math
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import arguments

SHAPES = ("cosine", "linear", "exponential")

_MAX_RATE = 1e9
_MAX_STEPS = 10**15


@keras.saving.register_keras_serializable(package="gfla_tf")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Increases the learning rate linearly, and then decays it.

    Before step k, counted from 0, of `warmup_steps` = W and `total_steps` = T:

        rate(k) = learning_rate (k + 1) / W                                                       k < W
        t = min(1, (k - W) / (T - W)),  a = final_learning_rate / learning_rate                   k >= W
        rate(k) = learning_rate (a + (1 - a) (1 + cos(pi t)) / 2)                                 cosine
        rate(k) = learning_rate (a + (1 - a) (1 - t))                                             linear
        rate(k) = learning_rate a^t                                                               exponential

    Without warmup, "cosine" equals `keras.optimizers.schedules.CosineDecay`.

    Args:
      learning_rate: the rate after the warmup.
      final_learning_rate: the rate at step `total_steps` and after it. If None, the rate does not decay.
      total_steps: the steps of the warmup and the decay; required with `final_learning_rate`.
      shape: "cosine", "linear" or "exponential".
      warmup_steps: the steps of the warmup.

    Raises:
      ValueError: an argument is not valid, or `total_steps` is not larger than `warmup_steps`.

    Example:

    ```python
    import keras

    from gfla_tf.training.schedules import WarmupDecay

    schedule = WarmupDecay(1e-4, 1e-5, total_steps=1000, shape="linear", warmup_steps=100)
    optimizer = keras.optimizers.Adam(schedule, beta_1=0.0)
    print(float(schedule(0)), float(schedule(550)))  # 1e-6 and 5.5e-5
    ```
    """

    def __init__(
        self,
        learning_rate: float,
        final_learning_rate: float | None = None,
        total_steps: int | None = None,
        shape: str = "cosine",
        warmup_steps: int = 0,
    ):
        super().__init__()
        self.learning_rate = arguments.number("learning_rate", learning_rate, 0, _MAX_RATE, strict=True)
        self.warmup_steps = arguments.integer("warmup_steps", warmup_steps, 0, _MAX_STEPS)
        self.final_learning_rate = self.total_steps = None
        if shape not in SHAPES:
            raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {shape!r}")
        self.shape = shape
        if final_learning_rate is not None:
            self.final_learning_rate = arguments.number(
                "final_learning_rate", final_learning_rate, 0, _MAX_RATE, strict=True
            )
            self.total_steps = arguments.integer("total_steps", total_steps, 1, _MAX_STEPS)
            if self.total_steps <= self.warmup_steps:
                raise ValueError(
                    f"total_steps must be larger than warmup_steps, got {total_steps} and {warmup_steps}"
                )

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the learning rate before a step, float32."""
        step = tf.cast(step, tf.float32)
        rate = self.learning_rate * self._decay(step)
        if not self.warmup_steps:
            return rate
        warm = self.learning_rate * (step + 1.0) / self.warmup_steps
        return tf.where(step < self.warmup_steps, warm, rate)

    def _decay(self, step: tf.Tensor) -> tf.Tensor:
        """The rate after the warmup, divided by `learning_rate`."""
        if self.final_learning_rate is None:
            return tf.ones_like(step)
        last = self.final_learning_rate / self.learning_rate
        time = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        time = tf.clip_by_value(time, 0.0, 1.0)
        if self.shape == "exponential":
            return tf.exp(math.log(last) * time)
        remaining = 0.5 * (1.0 + tf.cos(math.pi * time)) if self.shape == "cosine" else 1.0 - time
        return last + (1.0 - last) * remaining

    def get_config(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "final_learning_rate": self.final_learning_rate,
            "total_steps": self.total_steps,
            "shape": self.shape,
            "warmup_steps": self.warmup_steps,
        }
