"""Initializers of the weights."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

INITIAL_GAIN = 0.02


@keras.saving.register_keras_serializable(package="gfla_tf")
class PreciseOrthogonal(keras.initializers.Orthogonal):
    """Keras's orthogonal initializer, which computes half types in float32 and then rounds them."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        dtype = tf.as_dtype(dtype or keras.backend.floatx())
        precise = dtype if dtype.size >= 4 else tf.float32
        return tf.cast(super().__call__(shape, dtype=precise.name, **kwargs), dtype)


def weight_initializer() -> keras.initializers.Initializer:
    """Returns the initializer of every convolution of F, G and D: orthogonal with gain 0.02."""
    return PreciseOrthogonal(gain=INITIAL_GAIN)


@keras.saving.register_keras_serializable(package="gfla_tf")
class UnitNormal(keras.initializers.Initializer):
    """Initializes a vector, for power iteration: normally distributed, divided by its l2 norm."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        vector = keras.initializers.RandomNormal(stddev=1.0)(shape, dtype=dtype)
        return vector / tf.maximum(tf.norm(vector), 1e-12)

    def get_config(self) -> dict[str, Any]:
        return {}
