"""A convolution with spectral normalization (Miyato et al., 2018), as used by the discriminator."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, arguments
from gfla_tf.layers.convolutions import padded_convolution
from gfla_tf.layers.feature_map_layer import FeatureMapLayer
from gfla_tf.layers.initializers import UnitNormal, weight_initializer
from gfla_tf.ops import checks

_INITIAL_ITERATIONS = 5  # initial kernels are orthogonal, for which the second iteration is exact


@keras.saving.register_keras_serializable(package="gfla_tf")
class SpectralNormConv2D(FeatureMapLayer):
    """Convolution with the kernel W / sigma(W), where sigma = u' W v is estimated by power iteration.

    Each call with training=True does one iteration:

      v <- W'u / |W'u|,  u <- W v / |W v|

    The gradient treats u and v as constants and flows through the W in sigma. The stored kernel is not
    overwritten by its normalized form. The initial u and v are the result of a few iterations from a random
    u, so that a new layer is normalized before its first training step. The kernel is normalized in at least
    float32.

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
      epsilon: lower bound of the norms in the power iteration, a positive float, at most 1.

    Call arguments:
      inputs: [B, H, W, C].
      training: whether to do one power iteration.

    Returns:
      [B, H', W', filters] with H' = (H + 2 * padding - kernel_size) // strides + 1, and W' likewise.

    Raises:
      ValueError: an invalid argument, inputs of wrong rank, channels or dtype, or H' or W' is less than 1.
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
        self.filters = checks.positive_int(filters, "filters")
        self.kernel_size = checks.positive_int(kernel_size, "kernel_size")
        self.strides = checks.positive_int(strides, "strides")
        self.padding = checks.non_negative_int(padding, "padding")
        self.epsilon = arguments.number("epsilon", epsilon, 0, 1, strict=True)
        self.smallest = max(1, self.kernel_size - 2 * self.padding)

    def _build(self, channels: int) -> None:
        k = self.kernel_size
        self.kernel = self.add_weight_in_full("kernel", (k, k, channels, self.filters), weight_initializer())
        self.bias = self.add_weight_in_full("bias", (self.filters,), "zeros")
        self.u = _compat.add_state(self, "u", (self.filters,), self._initial_u)
        self.v = _compat.add_state(self, "v", (k * k * channels,), self._initial_v)

    def _output_size(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        outside = 2 * self.padding - self.kernel_size
        return tuple(size and (size + outside) // self.strides + 1 for size in (height, width))

    def _initial_u(self, shape, dtype=None, **kwargs):
        u, matrix = UnitNormal()(shape, dtype=dtype), self._matrix()
        for _ in range(_INITIAL_ITERATIONS):
            u = self._iteration(matrix, tf.cast(u, matrix.dtype))[0]
        return tf.cast(u, dtype or matrix.dtype)

    def _initial_v(self, shape, dtype=None, **kwargs):
        matrix = self._matrix()
        v = self._unit(tf.linalg.matvec(matrix, tf.cast(tf.convert_to_tensor(self.u), matrix.dtype)))
        return tf.cast(v, dtype or matrix.dtype)

    def _matrix(self):
        """W' [kh*kw*in, out], in at least float32."""
        kernel = checks.at_least_float32(tf.convert_to_tensor(self.kernel))
        return tf.reshape(kernel, [-1, self.filters])

    def _iteration(self, matrix, u):
        """One power iteration: the new u [out] and v [kh*kw*in]."""
        v = self._unit(tf.linalg.matvec(matrix, u))  # W'u / |W'u|
        return self._unit(tf.linalg.matvec(matrix, v, transpose_a=True)), v  # W v / |W v|

    def iterate(self) -> None:
        """Does one power iteration without a call."""
        matrix = tf.stop_gradient(self._matrix())
        u, v = self._iteration(matrix, tf.cast(tf.convert_to_tensor(self.u), matrix.dtype))
        self.u.assign(tf.cast(u, self.variable_dtype))
        self.v.assign(tf.cast(v, self.variable_dtype))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        out = self.convolve(inputs, training)
        return tf.nn.bias_add(out, tf.cast(self.bias, out.dtype))

    def convolve(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Computes the call without adding the bias."""
        x = self.cast(self.feature_map(inputs))
        matrix = self._matrix()
        u = tf.cast(tf.convert_to_tensor(self.u), matrix.dtype)
        v = tf.cast(tf.convert_to_tensor(self.v), matrix.dtype)
        if training:
            u, v = self._iteration(tf.stop_gradient(matrix), u)
            self.u.assign(tf.cast(u, self.variable_dtype))
            self.v.assign(tf.cast(v, self.variable_dtype))
        sigma = tf.tensordot(v, tf.linalg.matvec(matrix, u), axes=1)  # u' W v
        normalized = tf.cast(tf.reshape(matrix / sigma, self.kernel.shape), x.dtype)  # [kh, kw, in, out]
        return padded_convolution(x, normalized, self.strides, self.padding)

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
