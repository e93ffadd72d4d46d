"""Conversion of the results of graphs to arrays."""

import tensorflow as tf


def flat(result):
    """The tensors of a nested result as a list of dense arrays."""
    return [tf.convert_to_tensor(part).numpy() for part in tf.nest.flatten(result)]
