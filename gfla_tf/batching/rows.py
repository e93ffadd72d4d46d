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
      parallel: whether it is worth while to read several batches at the same time.
    """

    read: Callable[[np.ndarray], Sequence[np.ndarray]]
    specs: Mapping[str, tf.TensorSpec]
    parallel: bool = True

    def __call__(self, positions: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the rows at `positions`, int64 [B], in a graph: {name: [B, ...]}."""
        kinds = [spec.dtype for spec in self.specs.values()]
        arrays = self._call(positions, kinds)
        return {
            name: tf.ensure_shape(array, [positions.shape[0], *spec.shape])
            for array, (name, spec) in zip(arrays, self.specs.items(), strict=True)
        }

    def _call(self, positions: tf.Tensor, kinds: list[tf.DType]) -> Sequence[tf.Tensor]:
        return tf.numpy_function(self.read, [positions], kinds)
