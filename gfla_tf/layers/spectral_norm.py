"""A convolution with spectral normalization (Miyato et al., 2018), as used by the discriminator."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.layers.initializers import UnitNormal, weight_initializer


@keras.saving.register_keras_serializable(package="gfla_tf")
class SpectralNormConv2D(keras.layers.Layer):
    """Convolution with the kernel W / sigma(W), where sigma = u' W v is estimated by power iteration.

    Each call with training=True does one iteration:

      v <- W'u / |W'u|,  u <- W v / |W v|

    The gradient treats u and v as constants and flows through the W in sigma. The stored kernel is not
    overwritten by its normalized form.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import SpectralNormConv2D

    layer = SpectralNormConv2D(filters=8, kernel_size=4, strides=2, padding=1)
    y = layer(tf.ones([1, 16, 16, 3]), training=True)
    print(y.shape)  # (1, 8, 8, 8)
    ```

    Args:
      filters: output channels, a positive int.
      kernel_size: height and width of the kernel, a positive int.
      strides: stride in both directions, a positive int.
      padding: number of zeros added on each side, a non-negative int.
      epsilon: lower bound of the norms in the power iteration.

    Call arguments:
      inputs: [B, H, W, C].
      training: whether to do one power iteration.

    Returns:
      [B, H', W', filters] with H' = (H + 2 * padding - kernel_size) // strides + 1, and W' likewise.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: int = 0,
        epsilon: float = 1e-12,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        k, channels = self.kernel_size, input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(k, k, channels, self.filters), initializer=weight_initializer()
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.u = _compat.add_state(self, "u", (self.filters,), UnitNormal())
        self.v = _compat.add_state(self, "v", (k * k * channels,), UnitNormal())
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        kernel = tf.convert_to_tensor(self.kernel)
        matrix = tf.cast(tf.reshape(kernel, [-1, self.filters]), self.variable_dtype)  # W' [kh*kw*in, out]
        u = tf.cast(tf.convert_to_tensor(self.u), matrix.dtype)
        v = tf.cast(tf.convert_to_tensor(self.v), matrix.dtype)
        if training:
            fixed = tf.stop_gradient(matrix)
            v = self._unit(tf.linalg.matvec(fixed, u))  # W'u / |W'u|  [kh*kw*in]
            u = self._unit(tf.linalg.matvec(fixed, v, transpose_a=True))  # W v / |W v|  [out]
            self.u.assign(u)
            self.v.assign(v)
        sigma = tf.tensordot(v, tf.linalg.matvec(matrix, u), axes=1)  # u' W v
        normalized = tf.cast(tf.reshape(matrix / sigma, tf.shape(kernel)), inputs.dtype)  # [kh, kw, in, out]
        p = self.padding
        out = tf.nn.conv2d(inputs, normalized, strides=self.strides, padding=[[0, 0], [p, p], [p, p], [0, 0]])
        return tf.nn.bias_add(out, tf.cast(self.bias, out.dtype))

    def _unit(self, vector):
        return vector / tf.maximum(tf.norm(vector), self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "epsilon": self.epsilon,
        }
