"""Instance normalization."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import arguments, ops
from gfla_tf.layers.feature_map_layer import FeatureMapLayer


@keras.saving.register_keras_serializable(package="gfla_tf")
class InstanceNormalization(FeatureMapLayer):
    """Normalizes each channel of each instance over height and width.

      y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

    `gfla_tf.ops.instance_norm` computes it. The mean and the biased variance are computed from the inputs in
    training and in inference. All of it is computed in at least float32, and results outside the range of a
    half-precision compute dtype are clipped.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import InstanceNormalization

    y = InstanceNormalization()(tf.random.normal([2, 16, 16, 3], mean=5.0))
    print(tf.reduce_mean(y, axis=[1, 2]).numpy().round(3))  # zeros, [2, 3]
    ```

    Args:
      epsilon: positive float, at most 1, added to the variance.

    Call arguments:
      inputs: [B, H, W, C], of any floating-point or integer dtype.
      slope: slope of a leaky ReLU that is applied to the result, in [0, 1]; by default 1, none is applied.

    Returns:
      [B, H, W, C], in the compute dtype.

    Raises:
      ValueError: an `epsilon` out of range, or inputs of wrong rank, number of
        channels or dtype.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs: Any):
        super().__init__(**kwargs)
        self.epsilon = arguments.number("epsilon", epsilon, 0, 1, strict=True)

    def _build(self, channels: int) -> None:
        self.gamma = self.add_weight_in_full("gamma", (channels,), "ones")
        self.beta = self.add_weight_in_full("beta", (channels,), "zeros")

    def call(self, inputs: tf.Tensor, slope: float = 1.0) -> tf.Tensor:
        return self.normalize(self.feature_map(inputs), self.gamma, self.beta, slope)

    def normalize(
        self, inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, slope: float = 1.0
    ) -> tf.Tensor:
        """Normalizes with the given gamma and beta [C], for example those of some of the channels."""
        dtype = tf.float64 if self.compute_dtype == "float64" else tf.float32
        x, gamma, beta = (tf.cast(tensor, dtype) for tensor in (inputs, gamma, beta))
        return self.cast(ops.instance_norm(x, gamma, beta, self.epsilon, slope))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}
