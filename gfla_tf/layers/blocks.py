"""The blocks of F and G (paper, Sec. 4.1 and D).

IN is an affine instance normalization with epsilon 1e-5, LReLU a leaky ReLU with slope 0.1; an IN also
computes the LReLU after it. Same(c), Down(c) and Up(c) are convolutions to c channels that keep, halve and
double the resolution. All convolutions have a bias and an orthogonal initializer with gain 0.02.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, arguments
from gfla_tf.layers.convolutions import LEAKY_SLOPE, down, lrelu, same, valid
from gfla_tf.layers.feature_map_layer import FeatureMapLayer
from gfla_tf.layers.normalization import InstanceNormalization
from gfla_tf.layers.up_conv import UpConv2D, up_convolution
from gfla_tf.ops import checks


def build(channels: int, *layers: keras.layers.Layer) -> None:
    """Builds layers for feature maps of this number of channels and of any size."""
    for layer in layers:
        layer.build((None, None, None, channels))


class Block(FeatureMapLayer):
    """Base class of the blocks, with the argument `filters`, a positive int."""

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = checks.positive_int(filters, "filters")

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

    Raises:
      ValueError: an invalid argument, an odd H or W, or inputs of wrong rank, channels or dtype.
    """

    def __init__(self, filters: int, normalize: bool = True, **kwargs: Any):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.normalize = arguments.boolean("normalize", normalize)
        self.norm0 = InstanceNormalization(dtype=dtype) if normalize else None
        self.conv0 = down(filters, dtype)
        self.norm1 = InstanceNormalization(dtype=dtype) if normalize else None
        self.conv1 = same(filters, dtype=dtype)

    def _build(self, channels: int) -> None:
        if self.normalize:
            build(channels, self.norm0)
            build(self.filters, self.norm1)
        build(channels, self.conv0)
        build(self.filters, self.conv1)

    def _output_size(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        if (height or 0) % 2 or (width or 0) % 2:
            raise ValueError(f"EncoderBlock needs an even height and width, got {height} x {width}")
        return tuple(size and size // 2 for size in (height, width))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = self.feature_map(inputs)
        if not self.normalize:
            return self.cast(self.conv1(lrelu(self.conv0(self.cast(x)))))
        x = self.conv0(self.norm0(x, slope=LEAKY_SLOPE))
        return self.cast(self.conv1(self.norm1(x, slope=LEAKY_SLOPE)))

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
        gamma, beta = self.norm0.gamma[part], self.norm0.beta[part]
        x = self.norm0.normalize(inputs, gamma, beta, LEAKY_SLOPE)
        kernel = tf.cast(self.conv0.kernel, x.dtype)[:, :, part]
        return tf.nn.conv2d(x, kernel, strides=2, padding="SAME")

    def join(self, projected: list[tf.Tensor]) -> tf.Tensor:
        """Computes the result of the call from the results of `project` for all channels."""
        x = tf.nn.bias_add(tf.add_n(projected), tf.cast(self.conv0.bias, projected[0].dtype))
        return self.conv1(self.norm1(x, slope=LEAKY_SLOPE))

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

    def _build(self, channels: int) -> None:
        if channels != self.filters:
            raise ValueError(
                f"ResidualBlock(filters={self.filters}) needs {self.filters} channels, got {channels}"
            )
        build(channels, self.norm0, self.conv0, self.norm1, self.conv1)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        inputs = self.feature_map(inputs)
        x = self.conv0(self.norm0(inputs, slope=LEAKY_SLOPE))
        return self.cast(inputs) + self.cast(self.conv1(self.norm1(x, slope=LEAKY_SLOPE)))


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
        self.hidden = checks.positive_int(hidden, "hidden")
        dtype = kwargs.get("dtype")
        self.norm0 = InstanceNormalization(dtype=dtype)
        self.conv0 = same(hidden, dtype=dtype)
        self.norm1 = InstanceNormalization(dtype=dtype)
        self.up = UpConv2D(filters, dtype=dtype)
        self.shortcut = UpConv2D(filters, dtype=dtype)

    def _build(self, channels: int) -> None:
        build(channels, self.norm0, self.conv0)
        build(self.hidden, self.norm1, self.up)
        build(channels, self.shortcut)

    def _output_size(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return tuple(size and 2 * size for size in (height, width))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        inputs = self.feature_map(inputs)
        x = self.norm1(self.conv0(self.norm0(inputs, slope=LEAKY_SLOPE)), slope=LEAKY_SLOPE)
        # Up(x) + Up(inputs) is one transposed convolution of the concatenated channels.
        both = tf.concat([x, self.cast(inputs)], axis=-1)  # [B, H, W, hidden + C]
        kernel = tf.concat([self.up.kernel, self.shortcut.kernel], axis=-1)  # [3, 3, filters, hidden + C]
        bias = tf.cast(self.up.bias + self.shortcut.bias, both.dtype)
        return up_convolution(both, tf.cast(kernel, both.dtype), bias)  # [B, 2H, 2W, filters]

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

    smallest = 2

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(filters, **kwargs)
        self.conv = valid(filters, kwargs.get("dtype"))

    def _build(self, channels: int) -> None:
        build(channels, self.conv)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = self.cast(self.feature_map(inputs))
        # Padding first lets TensorFlow fuse the convolution that computes x with its bias.
        padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
        return self.cast(self.conv(lrelu(padded)))


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

    def compute_output_spec(self, inputs: Any) -> Any:
        return _compat.symbolic_tensor(self.compute_output_shape(inputs.shape), tf.float32)
