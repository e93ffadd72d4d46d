"""Pairs of photographs that integer ranges are measured on, and others to judge the result by."""

from __future__ import annotations

from collections.abc import Callable

from gfla_tf.data.opening import open_pairs
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.evaluation.synthetic import MODEL_INPUTS

MOST = 64
"""Pairs that ranges are measured on; more hardly move them."""


class Calibration:
    """The pairs of a data folder or its shards, in a fixed random order.

    Args:
      folder: of any layout that `gfla train` reads.
      model: whose pose maps are drawn.
      size: (H, W) of the export.

    Raises:
      InputError: the folder is none, or its train or test split is missing, damaged or without pairs.
    """

    def __init__(self, folder, model, size: tuple[int, int]):
        self._pairs = open_pairs(folder, size, model.heatmap_sigma)
        for split in ("train", "test"):
            if not self._pairs.num_pairs(split):
                raise InputError(f"the {split} split of {str(folder)!r} has no pairs: name another folder")
        self.count = min(MOST, self._pairs.num_pairs("train"))

    def read(self, progress: Callable[[int, int], None]):
        """Yields `count` pairs of the train split, a dict of [1, ...] arrays each; progress(done, count).

        Raises:
          InputError: an image cannot be read; so does `held_out`.
        """
        for done, pair in enumerate(self._take("train", self.count), 1):
            yield pair
            progress(done, self.count)

    def held_out(self, count: int) -> list[dict]:
        """At most `count` pairs of the test split."""
        return list(self._take("test", count))

    def _take(self, split, count):
        dataset = self._pairs.as_dataset(split, 1, shuffle=True).take(count)
        with data_errors():
            for batch in dataset:
                yield {name: batch[name].numpy() for name in MODEL_INPUTS}
