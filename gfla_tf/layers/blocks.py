"""The blocks of F and G (paper, Sec. 4.1 and D).

IN is an affine instance normalization with epsilon 1e-5, LReLU a leaky ReLU with slope 0.1. Same(c), Down(c)
and Up(c) are convolutions to c channels that keep, halve and double the resolution. All convolutions have a
bias and an orthogonal initializer with gain 0.02.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf.layers.convolutions import down, lrelu, same, valid
from gfla_tf.layers.normalization import InstanceNormalization
from gfla_tf.layers.up_conv import UpConv2D


def with_channels(shape: Any, channels: int) -> tuple:
    """Returns the shape of a feature map with another number of channels and unknown height and width."""
    return (shape[0], None, None, channels)


class Block(keras.layers.Layer):
    """Base class of the blocks, with the argument `filters`."""

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = filters

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(package="gfla_tf")
class EncoderBlock(Block):
    """The encoder block: IN, LReLU, Down(filters), IN, LReLU, Same(filters).

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import EncoderBlock

    print(EncoderBlock(filters=8)(tf.ones([1, 16, 12, 4])).shape)  # (1, 8, 6, 8)
    ```

    Args:
      filters: output channels.
      normalize: if False, both IN and the LReLU before the first convolution are left out, so that the
        absolute colors of an image are kept.

    Call arguments:
      inputs: [B, H, W, C] with even H and W.

    Returns:
      [B, H/2, W/2, filters].
    """

    def __init__(self, filters: int, normalize: bool = True, **kwargs: Any):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.normalize = normalize
        self.norm0 = InstanceNormalization(dtype=dtype) if normalize else None
        self.conv0 = down(filters, dtype)
        self.norm1 = InstanceNormalization(dtype=dtype) if normalize else None
        self.conv1 = same(filters, dtype=dtype)

    def build(self, input_shape: Any) -> None:
        halved = with_channels(input_shape, self.filters)
        if self.normalize:
            self.norm0.build(input_shape)
            self.norm1.build(halved)
        self.conv0.build(input_shape)
        self.conv1.build(halved)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if not self.normalize:
            return self.conv1(lrelu(self.conv0(inputs)))
        x = self.conv0(lrelu(self.norm0(inputs)))
        return self.conv1(lrelu(self.norm1(x)))

    def project(self, inputs: tf.Tensor, first: int) -> tf.Tensor:
        """Computes the part of the first convolution that reads some of the input channels.

        The layers before the convolution treat each channel separately, and the convolution is linear:
        the parts of all channels, joined by `join`, give the result of the call. The block must have
        `normalize=True`.

        Args:
          inputs: [B, H, W, c], the channels `first`, ..., `first + c - 1`.
          first: index of the first channel.

        Returns:
          [B, H/2, W/2, filters].
        """
        part = slice(first, first + inputs.shape[-1])
        normalized = self.norm0.normalize(inputs, self.norm0.gamma[part], self.norm0.beta[part])
        kernel = tf.cast(self.conv0.kernel, inputs.dtype)[:, :, part]
        return tf.nn.conv2d(lrelu(normalized), kernel, strides=2, padding="SAME")

    def join(self, projected: list[tf.Tensor]) -> tf.Tensor:
        """Computes the result of the call from the results of `project` for all channels."""
        x = tf.nn.bias_add(tf.add_n(projected), tf.cast(self.conv0.bias, projected[0].dtype))
        return self.conv1(lrelu(self.norm1(x)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "normalize": self.normalize}


@keras.saving.register_keras_serializable(package="gfla_tf")
class ResidualBlock(Block):
    """The residual block: IN, LReLU, Same(filters), IN, LReLU, Same(filters), plus the input.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import ResidualBlock

    print(ResidualBlock(filters=4)(tf.ones([1, 16, 12, 4])).shape)  # (1, 16, 12, 4)
    ```

    Args:
      filters: input and output channels.

    Call arguments:
      inputs: [B, H, W, filters].

    Returns:
      [B, H, W, filters].
    """

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.norm0 = InstanceNormalization(dtype=dtype)
        self.conv0 = same(filters, dtype=dtype)
        self.norm1 = InstanceNormalization(dtype=dtype)
        self.conv1 = same(filters, dtype=dtype)

    def build(self, input_shape: Any) -> None:
        for part in (self.norm0, self.conv0, self.norm1, self.conv1):
            part.build(input_shape)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = self.conv0(lrelu(self.norm0(inputs)))
        return inputs + self.conv1(lrelu(self.norm1(x)))


@keras.saving.register_keras_serializable(package="gfla_tf")
class ResidualDecoderBlock(Block):
    """IN, LReLU, Same(hidden), IN, LReLU, Up(filters), plus Up(filters) of the input.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import ResidualDecoderBlock

    print(ResidualDecoderBlock(filters=8, hidden=4)(tf.ones([1, 16, 12, 4])).shape)  # (1, 32, 24, 8)
    ```

    Args:
      filters: output channels.
      hidden: channels between the two convolutions.

    Call arguments:
      inputs: [B, H, W, C].

    Returns:
      [B, 2H, 2W, filters].
    """

    def __init__(self, filters: int, hidden: int, **kwargs: Any):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.hidden = hidden
        self.norm0 = InstanceNormalization(dtype=dtype)
        self.conv0 = same(hidden, dtype=dtype)
        self.norm1 = InstanceNormalization(dtype=dtype)
        self.up = UpConv2D(filters, dtype=dtype)
        self.shortcut = UpConv2D(filters, dtype=dtype)

    def build(self, input_shape: Any) -> None:
        self.norm0.build(input_shape)
        self.conv0.build(input_shape)
        hidden = with_channels(input_shape, self.hidden)
        self.norm1.build(hidden)
        self.up.build(hidden)
        self.shortcut.build(input_shape)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = self.conv0(lrelu(self.norm0(inputs)))
        return self.up(lrelu(self.norm1(x))) + self.shortcut(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden": self.hidden}


@keras.saving.register_keras_serializable(package="gfla_tf")
class JumpBlock(Block):
    """The jump connection of F: LReLU, reflection padding of 1 pixel, 3 x 3 convolution without padding.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import JumpBlock

    print(JumpBlock(filters=8)(tf.ones([1, 16, 12, 4])).shape)  # (1, 16, 12, 8)
    ```

    Args:
      filters: output channels.

    Call arguments:
      inputs: [B, H, W, C] with H and W at least 2.

    Returns:
      [B, H, W, filters].
    """

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(filters, **kwargs)
        self.conv = valid(filters, kwargs.get("dtype"))

    def build(self, input_shape: Any) -> None:
        self.conv.build(input_shape)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        padded = tf.pad(lrelu(inputs), [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
        return self.conv(padded)


@keras.saving.register_keras_serializable(package="gfla_tf")
class OutputBlock(JumpBlock):
    """The output block of G: a `JumpBlock` followed by tanh.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import OutputBlock

    print(OutputBlock(filters=3)(tf.ones([1, 16, 12, 4])).shape)  # (1, 16, 12, 3)
    ```

    Args:
      filters: output channels.

    Call arguments:
      inputs: [B, H, W, C] with H and W at least 2.

    Returns:
      An image [B, H, W, filters] in [-1, 1], float32.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.tanh(tf.cast(super().call(inputs), tf.float32))
