"""Instance normalisation."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="gfla_tf")
class InstanceNormalization(keras.layers.Layer):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, with each instance's and channel's own
    statistics.

    Mean and (biased) variance are taken over height and width, in training and in inference alike, in
    float32 at least.

    Args:
      epsilon: positive float.

    Call: [B, H, W, C] -> [B, H, W, C].
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=channels, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=channels, initializer="zeros")
        self.built = True

    def call(self, inputs):
        return self.normalize(inputs, self.gamma, self.beta)

    def normalize(self, inputs, gamma, beta):
        """The call, with gamma and beta [C] of one's own: those of some of the channels."""
        x = tf.cast(inputs, tf.float32) if inputs.dtype.size < 4 else inputs
        mean = _mean(x)  # [B, 1, 1, C]
        variance = _mean(tf.math.squared_difference(x, tf.stop_gradient(mean)))
        scale = tf.math.rsqrt(variance + self.epsilon) * tf.cast(gamma, x.dtype)
        return tf.cast((x - mean) * scale + tf.cast(beta, x.dtype), inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def _mean(x):
    """Over width, then height: two short sums, so that a 256 x 256 map loses no digits to one long float32
    sum."""
    return tf.reduce_mean(tf.reduce_mean(x, axis=2, keepdims=True), axis=1, keepdims=True)
