"""The transposed convolution that doubles the resolution."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf.layers.feature_map_layer import FeatureMapLayer
from gfla_tf.layers.initializers import weight_initializer
from gfla_tf.ops import checks


@keras.saving.register_keras_serializable(package="gfla_tf")
class UpConv2D(FeatureMapLayer):
    """Transposed 3 x 3 convolution with stride 2 and the alignment of PyTorch's padding 1, output padding 1.

      out[2h + i - 1, 2w + j - 1] += kernel[i, j] . x[h, w]

    Keras's Conv2DTranspose with padding "same" shifts the result by one pixel: out[2h + i, 2w + j].

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import UpConv2D

    print(UpConv2D(filters=8)(tf.ones([1, 16, 12, 4])).shape)  # (1, 32, 24, 8)
    ```

    Args:
      filters: output channels, a positive int.

    Call arguments:
      inputs: [B, H, W, C].

    Returns:
      [B, 2H, 2W, filters].

    Raises:
      ValueError: `filters` is not a positive int, or inputs of wrong rank, channels or dtype.
    """

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = checks.positive_int(filters, "filters")

    def _build(self, channels: int) -> None:
        self.kernel = self.add_weight(
            name="kernel", shape=(3, 3, self.filters, channels), initializer=weight_initializer()
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def _output_size(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return tuple(size and 2 * size for size in (height, width))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = self.cast(self.feature_map(inputs))
        return up_convolution(x, tf.cast(self.kernel, x.dtype), tf.cast(self.bias, x.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}


def up_convolution(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Computes the transposed convolution of `UpConv2D`.

    Args:
      x: [B, H, W, C].
      kernel: [3, 3, filters, C].
      bias: [filters].

    Returns:
      [B, 2H, 2W, filters].
    """
    batch, height, width, _ = x.shape
    shape, filters = tf.shape(x), kernel.shape[2]
    full = [shape[0], 2 * shape[1] + 1, 2 * shape[2] + 1, filters]
    out = _crop(tf.nn.conv2d_transpose(x, kernel, full, strides=2, padding="VALID"))  # [B, 2H, 2W, filters]
    out.set_shape([batch, height and 2 * height, width and 2 * width, filters])
    return tf.nn.bias_add(out, bias)


@tf.custom_gradient
def _crop(x):
    """Removes the first row and column; TensorFlow's own gradient of a slice is ten times slower."""
    return x[:, 1:, 1:], lambda upstream: tf.pad(upstream, [[0, 0], [1, 0], [1, 0], [0, 0]])
