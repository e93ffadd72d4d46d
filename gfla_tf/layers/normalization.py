"""Instance normalization."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="gfla_tf")
class InstanceNormalization(keras.layers.Layer):
    """Normalizes each channel of each instance over height and width.

      y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

    The mean and the biased variance are computed from the inputs in training and in inference, in at least
    float32.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import InstanceNormalization

    y = InstanceNormalization()(tf.random.normal([2, 16, 16, 3], mean=5.0))
    print(tf.reduce_mean(y, axis=[1, 2]).numpy().round(3))  # zeros, [2, 3]
    ```

    Args:
      epsilon: positive float, added to the variance.

    Call arguments:
      inputs: [B, H, W, C].

    Returns:
      [B, H, W, C], in the dtype of the inputs.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs: Any):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=channels, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=channels, initializer="zeros")
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.normalize(inputs, self.gamma, self.beta)

    def normalize(self, inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
        """Normalizes with the given gamma and beta [C], for example those of some of the channels."""
        x = tf.cast(inputs, tf.float32) if inputs.dtype.size < 4 else inputs
        mean = _mean(x)  # [B, 1, 1, C]
        variance = _mean(tf.math.squared_difference(x, tf.stop_gradient(mean)))
        scale = tf.math.rsqrt(variance + self.epsilon) * tf.cast(gamma, x.dtype)
        return tf.cast((x - mean) * scale + tf.cast(beta, x.dtype), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


def _mean(x):
    """Averages over width, then height: two short sums lose fewer float32 digits than one long sum."""
    return tf.reduce_mean(tf.reduce_mean(x, axis=2, keepdims=True), axis=1, keepdims=True)
