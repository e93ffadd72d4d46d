"""A convolution with spectral normalisation (Miyato et al., 2018), as the discriminator uses it."""

import keras
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.layers.initializers import UnitNormal, weight_initializer


@keras.saving.register_keras_serializable(package="gfla_tf")
class SpectralNormConv2D(keras.layers.Layer):
    """Convolution with W / sigma(W), where sigma = u' W v is estimated by power iteration.

    One iteration (v <- W'u / |W'u|, u <- W v / |W v|) a call with training=True, none otherwise. u and v are
    constants to the gradient, which flows through sigma's W; the stored kernel is never overwritten by its
    normalised form.

    Args:
      filters: output channels, a positive int.
      kernel_size: positive int.
      strides: positive int.
      padding: zeros added on each side, a non-negative int.
      epsilon: lower bound of the norms that are divided by.

    Call: [B, H, W, C] -> [B, (H + 2 padding - kernel_size) // strides + 1, likewise W, filters].
    """

    def __init__(self, filters, kernel_size, strides=1, padding=0, epsilon=1e-12, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.epsilon = epsilon

    def build(self, input_shape):
        k, channels = self.kernel_size, input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(k, k, channels, self.filters), initializer=weight_initializer()
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.u = _compat.add_state(self, "u", (self.filters,), UnitNormal())
        self.v = _compat.add_state(self, "v", (k * k * channels,), UnitNormal())
        self.built = True

    def call(self, inputs, training=False):
        kernel = tf.convert_to_tensor(self.kernel)
        matrix = tf.cast(tf.reshape(kernel, [-1, self.filters]), self.variable_dtype)  # [kh*kw*in, out] = W'
        u = tf.cast(tf.convert_to_tensor(self.u), matrix.dtype)
        v = tf.cast(tf.convert_to_tensor(self.v), matrix.dtype)
        if training:
            fixed = tf.stop_gradient(matrix)
            v = self._unit(tf.linalg.matvec(fixed, u))
            u = self._unit(tf.linalg.matvec(fixed, v, transpose_a=True))
            self.u.assign(u)
            self.v.assign(v)
        sigma = tf.tensordot(v, tf.linalg.matvec(matrix, u), axes=1)
        normalised = tf.cast(tf.reshape(matrix / sigma, tf.shape(kernel)), inputs.dtype)
        p = self.padding
        out = tf.nn.conv2d(inputs, normalised, strides=self.strides, padding=[[0, 0], [p, p], [p, p], [0, 0]])
        return tf.nn.bias_add(out, tf.cast(self.bias, out.dtype))

    def _unit(self, vector):
        return vector / tf.maximum(tf.norm(vector), self.epsilon)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "epsilon": self.epsilon,
        }
