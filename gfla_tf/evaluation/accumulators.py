"""Metrics over all pixels of a test set, accumulated batch by batch in constant memory."""

from __future__ import annotations

import numpy as np

from gfla_tf.evaluation.metrics import auc_from_counts


class ErrorStatistics:
    """Mean and median of non-negative errors in pixels.

    The mean is exact. The median is computed from a histogram with cells of 1/512 px up to 512 px (larger
    errors count as 512 px), so it is within 0.001 px of the exact median.
    """

    _CELLS_PER_PIXEL = 512
    _LARGEST = 512

    def __init__(self):
        self._counts = np.zeros(self._LARGEST * self._CELLS_PER_PIXEL + 1, np.int64)
        self._sum = 0.0

    def add(self, errors: np.ndarray) -> None:
        """Adds errors of any shape.

        Raises:
          ValueError: an error is not finite.
        """
        errors = np.ravel(np.asarray(errors, np.float32))
        if not np.isfinite(errors).all():
            raise ValueError(
                f"{np.count_nonzero(~np.isfinite(errors))} of {errors.size} errors are not finite"
            )
        cells = np.minimum(errors * self._CELLS_PER_PIXEL, len(self._counts) - 1).astype(np.int64)
        self._counts += np.bincount(cells, minlength=len(self._counts))
        self._sum += float(errors.sum(dtype=np.float64))

    @property
    def count(self) -> int:
        """Number of errors added."""
        return int(self._counts.sum())

    @property
    def mean(self) -> float:
        """Mean error in pixels; NaN if no error was added."""
        return self._sum / self.count if self.count else float("nan")

    @property
    def median(self) -> float:
        """Median error in pixels: the center of its histogram cell; NaN if no error was added."""
        if not self.count:
            return float("nan")
        cell = int(np.searchsorted(np.cumsum(self._counts), self.count / 2))
        return (cell + 0.5) / self._CELLS_PER_PIXEL if cell else 0.0


class AreaUnderCurve:
    """Area under the ROC curve (see `roc_auc`) of scores in [0, 1], rounded to multiples of 1/65536."""

    _LEVELS = 65537

    def __init__(self):
        self._positives = np.zeros(self._LEVELS, np.int64)
        self._negatives = np.zeros(self._LEVELS, np.int64)

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Adds scores and labels (true is positive) of the same shape."""
        level = np.rint(np.clip(np.ravel(np.asarray(scores, np.float64)), 0, 1) * (self._LEVELS - 1)).astype(
            np.int64
        )
        labels = np.ravel(np.asarray(labels)).astype(bool)
        self._positives += np.bincount(level[labels], minlength=self._LEVELS)
        self._negatives += np.bincount(level[~labels], minlength=self._LEVELS)

    @property
    def value(self) -> float:
        """The area; NaN if one of the two classes is empty."""
        return auc_from_counts(self._positives, self._negatives)
