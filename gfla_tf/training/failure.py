"""The first value of a training that was not finite, found by the steps themselves."""

from collections.abc import Mapping, Sequence

import tensorflow as tf


class Failure:
    """Records which of the named values was not finite first; from then on, steps change nothing.

    The names are those of `names`, for example "loss l1" and "gradients of optimizer".

    Args:
      names: what `record` may be called with.
    """

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self.code = tf.Variable(
            0, trainable=False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
        )

    @property
    def term(self) -> str | None:
        """The name of the value that was not finite first, or None. Not for graphs."""
        code = int(self.code.numpy())
        return self.names[code - 1] if code else None

    def clear(self) -> None:
        """Lets steps change the networks again."""
        self.code.assign(0)

    def is_none(self) -> tf.Tensor:
        """Returns a bool scalar: whether every value so far was finite."""
        return tf.equal(self.code, 0)

    def record(self, broken: Mapping[str, tf.Tensor]) -> None:
        """Records the first of the values that are not finite, unless there was one before.

        Args:
          broken: bool scalars by name, equal on all replicas: whether the value is not finite.
        """
        codes = [self.names.index(name) + 1 for name in broken]
        flags = tf.cast(tf.stack(list(broken.values())), tf.int64)
        code = tf.reduce_max(flags) * tf.gather(tf.constant(codes, tf.int64), tf.argmax(flags))
        self.code.assign(tf.where(self.is_none(), code, self.code))
