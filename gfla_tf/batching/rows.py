"""Reading of the rows of a batch by a Python function inside a `tf.data` pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class RowReader:
    """Reads the pairs at given positions of a `PairOrder`.

    Attributes:
      read: a function of positions, int64 [B], that returns an array [B, ...] for each entry of `specs`. It
        may be called from several threads at once, also with no position.
      specs: {name: shape and dtype of a row}.
    """

    read: Callable[[np.ndarray], Sequence[np.ndarray]]
    specs: Mapping[str, tf.TensorSpec]

    def __call__(self, positions: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the rows at `positions`, int64 [B], in a graph: {name: [B, ...]}."""
        kinds = [spec.dtype for spec in self.specs.values()]
        return self.named(tf.numpy_function(self.read, [positions], kinds), positions.shape[0])

    def named(self, arrays: Sequence[tf.Tensor], count: int | None) -> dict[str, tf.Tensor]:
        """Returns tensors by their names, with their static shapes; `count` is the static number of rows."""
        return {
            name: tf.ensure_shape(array, [count, *spec.shape])
            for array, (name, spec) in zip(arrays, self.specs.items(), strict=True)
        }
