"""Figures over all pixels of a test set, gathered batch by batch in memory that does not grow with the
set.
"""

from __future__ import annotations

import numpy as np

from gfla_tf.evaluation.metrics import auc_from_counts


class ErrorStatistics:
    """Mean and median of non-negative errors in pixels.

    The mean is exact. The median is read from a histogram with cells of 1/512 px up to 512 px (longer
    errors count as 512) and so lies within 0.001 px of the true one.
    """

    _CELLS_A_PIXEL = 512
    _LARGEST = 512

    def __init__(self):
        self._counts = np.zeros(self._LARGEST * self._CELLS_A_PIXEL + 1, np.int64)
        self._sum = 0.0

    def add(self, errors) -> None:
        """Takes in errors of any shape."""
        errors = np.ravel(np.asarray(errors, np.float32))
        if not np.isfinite(errors).all():
            raise ValueError(
                f"{np.count_nonzero(~np.isfinite(errors))} of {errors.size} errors are not finite"
            )
        cells = np.minimum(errors * self._CELLS_A_PIXEL, len(self._counts) - 1).astype(np.int64)
        self._counts += np.bincount(cells, minlength=len(self._counts))
        self._sum += float(errors.sum(dtype=np.float64))

    @property
    def count(self) -> int:
        """How many errors were taken in."""
        return int(self._counts.sum())

    @property
    def mean(self) -> float:
        """In pixels; NaN of nothing."""
        return self._sum / self.count if self.count else float("nan")

    @property
    def median(self) -> float:
        """In pixels; NaN of nothing. The middle of the histogram's cell."""
        if not self.count:
            return float("nan")
        cell = int(np.searchsorted(np.cumsum(self._counts), self.count / 2))
        return (cell + 0.5) / self._CELLS_A_PIXEL if cell else 0.0


class AreaUnderCurve:
    """`roc_auc` of scores in [0, 1], which are rounded to 1/65536."""

    _LEVELS = 65537

    def __init__(self):
        self._positives = np.zeros(self._LEVELS, np.int64)
        self._negatives = np.zeros(self._LEVELS, np.int64)

    def add(self, scores, labels) -> None:
        """Takes in scores and labels (true = positive) of one shape."""
        level = np.rint(np.clip(np.ravel(np.asarray(scores, np.float64)), 0, 1) * (self._LEVELS - 1)).astype(
            np.int64
        )
        labels = np.ravel(np.asarray(labels)).astype(bool)
        self._positives += np.bincount(level[labels], minlength=self._LEVELS)
        self._negatives += np.bincount(level[~labels], minlength=self._LEVELS)

    @property
    def value(self) -> float:
        """The area; NaN if one of the classes is empty."""
        return auc_from_counts(self._positives, self._negatives)
