"""The blocks that F, G and D are made of (paper, Sec. 4.1 and D).

Every normalisation is an affine instance normalisation with epsilon 1e-5, every leaky ReLU has slope 0.1,
every convolution has a bias and starts orthogonal with gain 0.02.
"""

import keras
import tensorflow as tf

from gfla_tf.layers.initializers import weight_initializer
from gfla_tf.layers.normalization import InstanceNormalization
from gfla_tf.layers.spectral_norm import SpectralNormConv2D
from gfla_tf.layers.up_conv import UpConv2D

LEAKY_SLOPE = 0.1


def lrelu(x):
    return tf.nn.leaky_relu(x, LEAKY_SLOPE)


def same(filters, kernel_size=3, dtype=None):
    """Convolution of stride 1 that keeps the size, zero padding."""
    return keras.layers.Conv2D(
        filters, kernel_size, padding="same", kernel_initializer=weight_initializer(), dtype=dtype
    )


def down(filters, dtype=None):
    """4 x 4 convolution of stride 2 with one zero on each side, for even sizes: exactly halves them."""
    return keras.layers.Conv2D(
        filters, 4, 2, padding="same", kernel_initializer=weight_initializer(), dtype=dtype
    )


def valid(filters, dtype=None):
    """3 x 3 convolution without padding."""
    return keras.layers.Conv2D(
        filters, 3, padding="valid", kernel_initializer=weight_initializer(), dtype=dtype
    )


def with_channels(shape, channels):
    """The shape of a feature map with another channel count and unknown size."""
    return (shape[0], None, None, channels)


class _Block(keras.layers.Layer):
    """What the blocks share: `filters`, and parts of the block's own dtype policy."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(package="gfla_tf")
class EncoderBlock(_Block):
    """IN, LReLU, Down(filters), IN, LReLU, Same(filters): [B, H, W, C] -> [B, H/2, W/2, filters], H and W
    even.

    Args:
      filters: output channels.
      normalize: False leaves out both IN, and the LReLU before the first convolution, so that an image
        keeps its absolute colours.
    """

    def __init__(self, filters, normalize=True, **kwargs):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.normalize = normalize
        self.norm0 = InstanceNormalization(dtype=dtype) if normalize else None
        self.conv0 = down(filters, dtype)
        self.norm1 = InstanceNormalization(dtype=dtype) if normalize else None
        self.conv1 = same(filters, dtype=dtype)

    def build(self, input_shape):
        halved = with_channels(input_shape, self.filters)
        if self.normalize:
            self.norm0.build(input_shape)
            self.norm1.build(halved)
        self.conv0.build(input_shape)
        self.conv1.build(halved)
        self.built = True

    def call(self, inputs):
        if not self.normalize:
            return self.conv1(lrelu(self.conv0(inputs)))
        x = self.conv0(lrelu(self.norm0(inputs)))
        return self.conv1(lrelu(self.norm1(x)))

    def project(self, inputs, first):
        """What some of the input channels add to the first convolution: `join` of all parts is the call.

        Everything before it works on each channel alone, and it is linear. Only of a block that normalises.

        inputs [B, H, W, c], the channels `first` .. `first` + c -> [B, H/2, W/2, filters].
        """
        part = slice(first, first + inputs.shape[-1])
        normalized = self.norm0.normalize(inputs, self.norm0.gamma[part], self.norm0.beta[part])
        kernel = tf.cast(self.conv0.kernel, inputs.dtype)[:, :, part]
        return tf.nn.conv2d(lrelu(normalized), kernel, strides=2, padding="SAME")

    def join(self, projected):
        """The rest of the call, after `project` of all channels: a list of its results."""
        x = tf.nn.bias_add(tf.add_n(projected), tf.cast(self.conv0.bias, projected[0].dtype))
        return self.conv1(lrelu(self.norm1(x)))

    def get_config(self):
        return {**super().get_config(), "normalize": self.normalize}


@keras.saving.register_keras_serializable(package="gfla_tf")
class ResidualBlock(_Block):
    """IN, LReLU, Same, IN, LReLU, Same, plus the identity: [B, H, W, filters] -> the same shape."""

    def __init__(self, filters, **kwargs):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.norm0 = InstanceNormalization(dtype=dtype)
        self.conv0 = same(filters, dtype=dtype)
        self.norm1 = InstanceNormalization(dtype=dtype)
        self.conv1 = same(filters, dtype=dtype)

    def build(self, input_shape):
        for part in (self.norm0, self.conv0, self.norm1, self.conv1):
            part.build(input_shape)
        self.built = True

    def call(self, inputs):
        x = self.conv0(lrelu(self.norm0(inputs)))
        return inputs + self.conv1(lrelu(self.norm1(x)))


@keras.saving.register_keras_serializable(package="gfla_tf")
class ResidualDecoderBlock(_Block):
    """IN, LReLU, Same(hidden), IN, LReLU, Up(filters), plus Up(filters) of the raw input.

    Args:
      filters: output channels.
      hidden: channels between the two convolutions.

    Call: [B, H, W, C] -> [B, 2H, 2W, filters].
    """

    def __init__(self, filters, hidden, **kwargs):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.hidden = hidden
        self.norm0 = InstanceNormalization(dtype=dtype)
        self.conv0 = same(hidden, dtype=dtype)
        self.norm1 = InstanceNormalization(dtype=dtype)
        self.up = UpConv2D(filters, dtype=dtype)
        self.shortcut = UpConv2D(filters, dtype=dtype)

    def build(self, input_shape):
        self.norm0.build(input_shape)
        self.conv0.build(input_shape)
        hidden = with_channels(input_shape, self.hidden)
        self.norm1.build(hidden)
        self.up.build(hidden)
        self.shortcut.build(input_shape)
        self.built = True

    def call(self, inputs):
        x = self.conv0(lrelu(self.norm0(inputs)))
        return self.up(lrelu(self.norm1(x))) + self.shortcut(inputs)

    def get_config(self):
        return {**super().get_config(), "hidden": self.hidden}


@keras.saving.register_keras_serializable(package="gfla_tf")
class JumpBlock(_Block):
    """LReLU, reflection pad 1, 3 x 3 valid: [B, H, W, C] -> [B, H, W, filters], H and W at least 2."""

    def __init__(self, filters, **kwargs):
        super().__init__(filters, **kwargs)
        self.conv = valid(filters, kwargs.get("dtype"))

    def build(self, input_shape):
        self.conv.build(input_shape)
        self.built = True

    def call(self, inputs):
        padded = tf.pad(lrelu(inputs), [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
        return self.conv(padded)


@keras.saving.register_keras_serializable(package="gfla_tf")
class OutputBlock(JumpBlock):
    """LReLU, reflection pad 1, 3 x 3 valid, tanh: [B, H, W, C] -> an image [B, H, W, filters] in [-1, 1],
    float32."""

    def call(self, inputs):
        return tf.tanh(tf.cast(super().call(inputs), tf.float32))


@keras.saving.register_keras_serializable(package="gfla_tf")
class DiscriminatorBlock(_Block):
    """LReLU, Same(hidden), LReLU, Down(filters), plus 2 x 2 average pooling and a 1 x 1 convolution of the
    raw input.

    No normalisation of activations; every convolution is spectrally normalised.

    Args:
      filters: output channels.
      hidden: channels between the two convolutions.

    Call: [B, H, W, C] -> [B, H // 2, W // 2, filters].
    """

    def __init__(self, filters, hidden, **kwargs):
        super().__init__(filters, **kwargs)
        dtype = kwargs.get("dtype")
        self.hidden = hidden
        self.conv0 = SpectralNormConv2D(hidden, 3, padding=1, dtype=dtype)
        self.conv1 = SpectralNormConv2D(filters, 4, strides=2, padding=1, dtype=dtype)
        self.shortcut = SpectralNormConv2D(filters, 1, dtype=dtype)

    def build(self, input_shape):
        self.conv0.build(input_shape)
        self.conv1.build(with_channels(input_shape, self.hidden))
        self.shortcut.build(input_shape)
        self.built = True

    def call(self, inputs, training=False):
        x = self.conv0(lrelu(inputs), training=training)
        x = self.conv1(lrelu(x), training=training)
        pooled = tf.nn.avg_pool2d(inputs, 2, 2, padding="VALID")
        return x + self.shortcut(pooled, training=training)

    def get_config(self):
        return {**super().get_config(), "hidden": self.hidden}
