"""The length of people's skeletons, by which keypoints under wrong names are recognized.

The bones of the skeleton connect neighbors, so that their total length is close to that of the shortest tree
that connects the keypoints, which does not depend on the names. Under wrong names it is a multiple.
"""

from __future__ import annotations

import numpy as np

from gfla_tf.pose.skeletons import BODY_25

INDEX = {name: index for index, name in enumerate(BODY_25)}
MIN_KEYPOINTS = 8
"""The length ratio of a person with fewer keypoints is not meaningful."""

_MIN_OF_A_SIDE = 6

_OF_A_SIDE = {
    **{"eye": "nose", "ear": "eye", "shoulder": "neck", "elbow": "shoulder", "wrist": "elbow"},
    **{"hip": "shoulder", "knee": "hip", "ankle": "knee"},
    **{"heel": "ankle", "big_toe": "ankle", "small_toe": "big_toe"},
}
_ROOT = INDEX["neck"]
_PARENTS = np.full(len(BODY_25), _ROOT)
_PARENTS[INDEX["mid_hip"]] = INDEX["right_hip"]
for _side in ("right", "left"):
    for _name, _parent in _OF_A_SIDE.items():
        _PARENTS[INDEX[f"{_side}_{_name}"]] = INDEX[_parent if _parent in INDEX else f"{_side}_{_parent}"]
_CHILDREN = np.array([index for index in range(len(BODY_25)) if index != _ROOT])
_SIDES = [[not name.startswith((other, "mid")) for name in BODY_25] for other in ("left", "right")]
_STARTS = 30  # random orders from which the search starts as well

_JOINED = np.zeros((len(BODY_25), len(BODY_25)))
_JOINED[_CHILDREN, _PARENTS[_CHILDREN]] = _JOINED[_PARENTS[_CHILDREN], _CHILDREN] = 1.0


def length_ratio(points: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Total length of the bones divided by that of the shortest tree that connects the found keypoints.

    A keypoint whose neighbor toward the neck is missing is connected to the next one.

    Args:
      points: float [N, 25, 2] in the order of BODY_25.
      found: bool [N, 25].

    Returns:
      float [N], at least 1; NaN for people with fewer than `MIN_KEYPOINTS` keypoints or without extent.
    """
    return _ratio(points, found, MIN_KEYPOINTS)


def side_ratio(points: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The `length_ratio` of the keypoints of one side, the nose and the neck, the smaller one of both sides.

    In profile, left and right keypoints are close to each other, which makes the shortest tree half as long
    as the bones. The skeleton of one side is not longer in profile.

    Args:
      points: float [N, 25, 2] in the order of BODY_25.
      found: bool [N, 25].

    Returns:
      float [N], at least 1; NaN for people with too few keypoints on both sides.
    """
    ratios = [_ratio(points, found & np.array(side), _MIN_OF_A_SIDE) for side in _SIDES]
    return np.fmin(*ratios)


def _ratio(points: np.ndarray, found: np.ndarray, least: int) -> np.ndarray:
    """The length ratio [N]; NaN for people with fewer than `least` keypoints."""
    rows = np.arange(len(points))
    center = np.where(found[:, _ROOT], _ROOT, found.argmax(-1))  # [N]
    total = np.zeros(len(points))
    for child in _CHILDREN:
        parent = np.full(len(points), _PARENTS[child])
        while not (known := found[rows, parent] | (parent == _ROOT)).all():
            parent = np.where(known, parent, _PARENTS[parent])
        parent = np.where(found[rows, parent], parent, center)
        bone = np.linalg.norm(points[:, child] - points[rows, parent], axis=-1)
        total += np.where(found[:, child], bone, 0.0)
    shortest = _shortest_tree(_distances(points), found)
    usable = (found.sum(-1) >= least) & (shortest > 0)
    return np.where(usable, total / np.where(usable, shortest, 1.0), np.nan)


def shortest_order(points: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Searches the order of keypoints in which people's skeletons are shortest, by exchanging pairs.

    Args:
      points: float [N, 25, 2] in the order of BODY_25.
      found: bool [N, 25].

    Returns:
      int [25]: the keypoint i of BODY_25 is at the given index `order[i]`.
    """
    both = found[:, :, None] & found[:, None]  # [N, 25, 25]
    distances = np.where(both, _distances(points), 0.0)
    scale = distances.sum((1, 2)) / np.maximum(both.sum((1, 2)), 1)
    distances /= np.where(scale > 0, scale, 1.0)[:, None, None]
    mean = np.where(both.any(0), distances.sum(0) / np.maximum(both.sum(0), 1), 1.0)  # [25, 25]
    movable = found.any(0)
    starts = [np.arange(len(mean))]
    random = np.random.default_rng(0)
    for _ in range(_STARTS):
        start = np.arange(len(mean))
        start[movable] = random.permutation(start[movable])
        starts.append(start)
    orders = [_exchange(mean, start, movable) for start in starts]
    return min(orders, key=lambda order: _length(mean, order))


def _exchange(mean: np.ndarray, order: np.ndarray, movable: np.ndarray) -> np.ndarray:
    """Exchanges the pair of keypoints that shortens the skeleton most, until none does."""
    order = order.copy()
    allowed = movable[order]
    joined = _JOINED * np.outer(allowed, allowed)
    while True:
        here = mean[np.ix_(order, order)]
        moved = here @ joined  # [i, j]: the bones of j if it were at i
        own = np.diag(moved)
        gain = own[:, None] + own - moved - moved.T - 2 * joined * here
        gain[~np.outer(allowed, allowed)] = 0.0
        i, j = np.unravel_index(np.argmax(gain), gain.shape)
        if gain[i, j] <= 1e-9:
            return order
        order[[i, j]] = order[[j, i]]


def _length(mean: np.ndarray, order: np.ndarray) -> float:
    return float(mean[order[_CHILDREN], order[_PARENTS[_CHILDREN]]].sum())


def _distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)  # [N, 25, 25]


def _shortest_tree(distances: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The total length [N] of the minimum spanning trees of the found keypoints (Prim's algorithm)."""
    rows = np.arange(len(distances))
    node = found.argmax(-1)
    joined = ~found
    nearest = np.full(found.shape, np.inf)
    total = np.zeros(len(distances))
    for _ in range(found.shape[1] - 1):
        joined[rows, node] = True
        nearest = np.minimum(nearest, distances[rows, node])
        reachable = np.where(joined, np.inf, nearest)
        node = reachable.argmin(-1)
        step = reachable[rows, node]
        total += np.where(np.isfinite(step), step, 0.0)
    return total
