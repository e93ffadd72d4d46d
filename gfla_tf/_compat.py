"""What differs between the two supported stacks: TensorFlow 2.21 with Keras 3, and TensorFlow 2.15 with Keras 2.15."""

import keras
import tensorflow as tf

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3


def add_state(layer, name, shape, initializer):
    """A non-trainable float variable that a training step writes, averaged over the replicas of a strategy."""
    aggregation = "mean" if KERAS_3 else tf.VariableAggregation.MEAN
    return layer.add_weight(
        name=name, shape=shape, initializer=initializer, trainable=False, aggregation=aggregation
    )
