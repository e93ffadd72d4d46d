"""Initializers of the weights."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

INITIAL_GAIN = 0.02


def weight_initializer() -> keras.initializers.Initializer:
    """Returns the initializer of every convolution of F, G and D: orthogonal with gain 0.02."""
    return keras.initializers.Orthogonal(gain=INITIAL_GAIN)


@keras.saving.register_keras_serializable(package="gfla_tf")
class UnitNormal(keras.initializers.Initializer):
    """Initializes a vector, for power iteration: normally distributed, divided by its l2 norm."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        vector = keras.initializers.RandomNormal(stddev=1.0)(shape, dtype=dtype)
        return vector / tf.maximum(tf.norm(vector), 1e-12)

    def get_config(self) -> dict[str, Any]:
        return {}
