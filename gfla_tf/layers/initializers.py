"""How weights start."""

import keras
import tensorflow as tf

INITIAL_GAIN = 0.02


def weight_initializer():
    """Orthogonal with gain 0.02, for every convolution of the three networks."""
    return keras.initializers.Orthogonal(gain=INITIAL_GAIN)


@keras.saving.register_keras_serializable(package="gfla_tf")
class UnitNormal(keras.initializers.Initializer):
    """A normal vector divided by its l2 norm: the start of a power iteration."""

    def __call__(self, shape, dtype=None, **kwargs):
        vector = keras.initializers.RandomNormal(stddev=1.0)(shape, dtype=dtype)
        return vector / tf.maximum(tf.norm(vector), 1e-12)

    def get_config(self):
        return {}
