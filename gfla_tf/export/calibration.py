"""Image pairs for the calibration of int8 activation ranges and for the comparison of the result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np

from gfla_tf.data.opening import open_pairs
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.evaluation.synthetic import MODEL_INPUTS
from gfla_tf.models import PersonImageGenerator

MAX_PAIRS = 64
"""The number of pairs used for calibration; more hardly change the ranges."""


class Calibration:
    """The pairs of a data folder or its shards, in a fixed random order.

    Args:
      folder: A data folder or shards, in any layout that `gfla train` reads.
      model: The model whose `heatmap_sigma` the pose maps use.
      size: (H, W) of the export.

    Raises:
      InputError: The folder is not a data folder, or its train or test split is missing, damaged or empty.
    """

    def __init__(self, folder: str | os.PathLike, model: PersonImageGenerator, size: tuple[int, int]) -> None:
        self._pairs = open_pairs(folder, size, model.heatmap_sigma)
        for split in ("train", "test"):
            if not self._pairs.num_pairs(split):
                raise InputError(f"the {split} split of {str(folder)!r} has no pairs: name another folder")
        self.count = min(MAX_PAIRS, self._pairs.num_pairs("train"))

    def read(self, progress: Callable[[int, int], None]) -> Iterator[dict[str, np.ndarray]]:
        """Yields `count` pairs of the train split as dicts of [1, ...] arrays.

        Args:
          progress: Called with (done, count) after each pair.

        Raises:
          InputError: An image cannot be read.
        """
        for done, pair in enumerate(self._take("train", self.count), 1):
            yield pair
            progress(done, self.count)

    def held_out(self, count: int) -> list[dict[str, np.ndarray]]:
        """Returns up to `count` pairs of the test split.

        Raises:
          InputError: An image cannot be read.
        """
        return list(self._take("test", count))

    def _take(self, split, count):
        dataset = self._pairs.as_dataset(split, 1, shuffle=True).take(count)
        with data_errors():
            for batch in dataset:
                yield {name: batch[name].numpy() for name in MODEL_INPUTS}
