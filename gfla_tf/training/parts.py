"""Batches that are computed in equal parts, one after the other, in the memory of one part."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gfla_tf.training.batch import Batch


def sum_of_parts(function: Callable[[Batch], Any], batch: Batch, parts: int, zeros: Any) -> Any:
    """Returns the sum of the results of a function for each part of a batch.

    Args:
      function: takes a part and returns a nested structure of tensors.
      batch: a dict of tensors [B, ...].
      parts: the number of parts, a divisor of B.
      zeros: zeros of the structure, shapes and dtypes of the results.

    Raises:
      ValueError: B is not a multiple of `parts`.
      tf.errors.InvalidArgumentError: the same, if B is only known when a graph runs, except in XLA.
    """
    if parts == 1:
        return function(batch)
    split = {name: _split(tensor, parts) for name, tensor in batch.items()}

    def add(index, total):
        part = {name: tensor[index] for name, tensor in split.items()}
        return index + 1, tf.nest.map_structure(tf.add, total, function(part))

    return tf.while_loop(
        lambda index, total: index < parts,
        add,
        (tf.constant(0), zeros),
        parallel_iterations=1,
        maximum_iterations=parts,
    )[1]


def _split(tensor, parts):
    """[B, ...] -> [parts, B / parts, ...]."""
    tensor = tf.convert_to_tensor(tensor)
    size, message = tensor.shape[0], f"a batch of %s cannot be divided into accumulation={parts} equal parts"
    if size is None:
        check = tf.debugging.assert_equal(tf.shape(tensor)[0] % parts, 0, message % "this size")
        with tf.control_dependencies([check] if check is not None else []):
            tensor = tf.identity(tensor)
    elif size % parts:
        raise ValueError(message % size)
    rest = tensor.shape[1:]
    rest = rest if rest.is_fully_defined() else tf.unstack(tf.shape(tensor)[1:])
    return tf.reshape(tensor, [parts, -1 if size is None else size // parts, *rest])
