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
        shape = tf.shape(x)
        full = [shape[0], 2 * shape[1] + 1, 2 * shape[2] + 1, self.filters]
        kernel = tf.cast(self.kernel, x.dtype)
        out = tf.nn.conv2d_transpose(x, kernel, full, strides=2, padding="VALID")  # [B, 2H+1, 2W+1, F]
        out = out[:, 1:, 1:]  # [B, 2H, 2W, F]
        out.set_shape(self.compute_output_shape(x.shape))
        return tf.nn.bias_add(out, tf.cast(self.bias, out.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}
