"""Results of graphs as arrays."""

import tensorflow as tf


def flat(result):
    """The tensors of a nested result, dense, as a list of arrays."""
    return [tf.convert_to_tensor(part).numpy() for part in tf.nest.flatten(result)]
