"""Processing of the rows of a request in blocks inside a graph, which bounds the memory of the networks."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def map_rows(
    function: Callable[..., tf.types.experimental.TensorLike],
    inputs: list[tf.Tensor],
    rows: tf.Tensor,
    block: int,
    output: tf.TensorSpec | list[tf.TensorSpec],
) -> tf.Tensor | list[tf.Tensor]:
    """Applies a function to blocks of rows, one block at a time.

    Requests of up to `block` rows are one block. Larger ones are divided into blocks of almost equal sizes;
    the last is filled up with copies of the last row.

    Args:
      function: A function of `inputs`, which returns a tensor or a list of tensors with as many rows.
      inputs: Tensors of `rows` rows, or of one row, which is used for all.
      rows: int32 scalar, at least 1.
      block: The largest number of rows that `function` processes at a time.
      output: The shapes and types of the results, with `None` rows.
    """
    blocks = (rows + block - 1) // block
    size = (rows + blocks - 1) // blocks

    def apply(number):
        indices = tf.minimum(tf.range(number * size, (number + 1) * size), rows - 1)
        return function(*(_take(value, indices) for value in inputs))

    def join(value, spec):
        shape = tf.shape(value)
        joined = tf.reshape(value, tf.concat([[shape[0] * shape[1]], shape[2:]], 0))[:rows]
        joined.set_shape(spec.shape)
        return joined

    results = tf.map_fn(apply, tf.range(blocks), fn_output_signature=output, parallel_iterations=1)
    return tf.nest.map_structure(join, results, output)


def _take(value, indices):
    """Returns rows of a value; the only row if there is one."""
    return tf.gather(
        value, tf.cond(tf.shape(value)[0] == 1, lambda: tf.zeros([1], tf.int32), lambda: indices)
    )
