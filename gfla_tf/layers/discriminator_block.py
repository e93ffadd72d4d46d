"""The residual block of D (paper, Sec. 3.2 and D)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf.layers.blocks import Block, build
from gfla_tf.layers.convolutions import lrelu
from gfla_tf.layers.spectral_norm import SpectralNormConv2D
from gfla_tf.ops import checks


@keras.saving.register_keras_serializable(package="gfla_tf")
class DiscriminatorBlock(Block):
    """The block of D: LReLU, Same(hidden), LReLU, Down(filters), plus a shortcut.

    The shortcut is a 2 x 2 average pooling and a 1 x 1 convolution of the input. Activations are not
    normalized; all convolutions are spectrally normalized.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import DiscriminatorBlock

    print(DiscriminatorBlock(filters=8, hidden=4)(tf.ones([1, 16, 12, 4])).shape)  # (1, 8, 6, 8)
    ```

    Args:
      filters: output channels.
      hidden: channels between the two convolutions.

    Call arguments:
      inputs: [B, H, W, C] with H and W at least 2.
      training: whether to do one power iteration of the spectral normalization.

    Returns:
      [B, H // 2, W // 2, filters].
    """

    smallest = 2

    def __init__(self, filters: int, hidden: int, **kwargs: Any):
        super().__init__(filters, **kwargs)
        self.hidden = checks.positive_int(hidden, "hidden")
        dtype = kwargs.get("dtype")
        self.conv0 = SpectralNormConv2D(hidden, 3, padding=1, dtype=dtype)
        self.conv1 = SpectralNormConv2D(filters, 4, strides=2, padding=1, dtype=dtype)
        self.shortcut = SpectralNormConv2D(filters, 1, dtype=dtype)

    def _build(self, channels: int) -> None:
        build(channels, self.conv0)
        build(self.hidden, self.conv1)
        build(channels, self.shortcut)

    def _output_size(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return tuple(size and size // 2 for size in (height, width))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        inputs = self.cast(self.feature_map(inputs))
        x = self.conv0(lrelu(inputs), training=training)
        pooled = tf.nn.avg_pool2d(inputs, 2, 2, padding="VALID")
        x = self.conv1.convolve(lrelu(x), training) + self.shortcut.convolve(pooled, training)
        return tf.nn.bias_add(x, tf.cast(self.conv1.bias + self.shortcut.bias, x.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden": self.hidden}
