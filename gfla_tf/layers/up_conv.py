"""The transposed convolution that doubles the resolution."""

import keras
import tensorflow as tf

from gfla_tf.layers.initializers import weight_initializer


@keras.saving.register_keras_serializable(package="gfla_tf")
class UpConv2D(keras.layers.Layer):
    """Transposed 3 x 3 convolution, stride 2, with PyTorch's padding 1 and output padding 1: exactly 2H x 2W.

    out[2h + i - 1, 2w + j - 1] += kernel[i, j] . x[h, w]; Keras's Conv2DTranspose with padding "same" would
    place it one pixel further.

    Args:
      filters: output channels, a positive int.

    Call: [B, H, W, C] -> [B, 2H, 2W, filters].
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(3, 3, self.filters, input_shape[-1]), initializer=weight_initializer()
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.built = True

    def call(self, inputs):
        kernel = tf.cast(self.kernel, inputs.dtype)
        shape = tf.shape(inputs)
        full = [shape[0], 2 * shape[1] + 1, 2 * shape[2] + 1, self.filters]
        out = tf.nn.conv2d_transpose(inputs, kernel, full, strides=2, padding="VALID")[:, 1:, 1:]
        static = inputs.shape
        out.set_shape([static[0], *(size and 2 * size for size in static[1:3]), self.filters])
        return tf.nn.bias_add(out, tf.cast(self.bias, out.dtype))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
