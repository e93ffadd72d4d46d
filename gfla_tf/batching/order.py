"""The order of a dataset's pairs: pair p is a function of the seed and p."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from gfla_tf import arguments

GROUP = 16
"""Number of units (people, or blocks of a file) whose pairs `shuffled_in_groups` mixes."""

_MAX_SEED = 2**63 - 1


class PairOrder:
    """The pairs of a split, one epoch after the other.

    Position p is pair p mod n of epoch p div n, so the order is a function of the position alone, and no
    position before it has to be visited.

    Args:
      count: the number of pairs, n.
      permutation: a function of the epoch that returns its pairs in order, int64 [n]; None is the order of
        the split.
    """

    def __init__(self, count: int, permutation: Callable[[int], np.ndarray] | None = None):
        self.count = count
        self._permutation = permutation and functools.lru_cache(maxsize=2)(permutation)

    def pairs(self, positions: np.ndarray) -> np.ndarray:
        """Returns the indices of the pairs, int64 [B], at `positions`, int64 [B]."""
        epochs, offsets = np.divmod(positions, self.count)
        if self._permutation is None:
            return offsets
        pairs = np.empty_like(offsets)
        for epoch in np.unique(epochs):
            rows = epochs == epoch
            pairs[rows] = self._permutation(int(epoch))[offsets[rows]]
        return pairs


def shuffled(count: int, seed: int) -> PairOrder:
    """An order in which each epoch is a permutation of all pairs.

    Raises:
      InputError: the seed is not an integer from 0 to 2^63 - 1.
    """
    seed = arguments.integer("seed", seed, 0, _MAX_SEED)
    return PairOrder(count, lambda epoch: np.random.default_rng([seed, epoch]).permutation(count))


def shuffled_in_groups(count: int, unit: int, seed: int) -> PairOrder:
    """An order that needs only a part of the dataset in memory.

    Units of `unit` consecutive pairs are shuffled, and the pairs of each group of `GROUP` units are shuffled
    within the group.

    Raises:
      InputError: the seed is not an integer from 0 to 2^63 - 1.
    """
    seed = arguments.integer("seed", seed, 0, _MAX_SEED)

    def permutation(epoch: int) -> np.ndarray:
        rng = np.random.default_rng([seed, epoch])
        units = rng.permutation(-(-count // unit))
        order = []
        for first in range(0, len(units), GROUP):
            pairs = (units[first : first + GROUP, None] * unit + np.arange(unit)).ravel()
            pairs = pairs[pairs < count]  # the last unit may be smaller
            order.append(pairs[rng.permutation(len(pairs))])
        return np.concatenate(order)

    return PairOrder(count, permutation)
