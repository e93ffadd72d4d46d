"""The rows of SyntheticPeople's batches, from memory or rendered on demand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from .identity import Identity, RenderSettings, render_identity

ReadRows = Callable[[np.ndarray], dict[str, np.ndarray]]


def cached_rows(arrays: Mapping[str, np.ndarray], truth: bool, parts: bool) -> ReadRows:
    """Returns a function that takes pairs from the arrays of a split.

    Args:
      arrays: the result of `SyntheticPeople.as_arrays` for the whole split.
      truth: whether to add flow and visibility, which `arrays` then contains.
      parts: whether to add part labels.

    Returns:
      A function of indices of pairs, int64 [B], that returns a dict of stacked arrays.
    """

    def rows(pairs: np.ndarray) -> dict[str, np.ndarray]:
        batch = {}
        for role, images in zip(("source", "target"), arrays["pairs"][pairs].T, strict=True):
            batch[f"{role}_image"] = arrays["images"][images]
            batch[f"{role}_keypoints"] = arrays["keypoints"][images]
            if parts:
                batch[f"{role}_parts"] = arrays["parts"][images]
        if truth:
            batch["flow"], batch["visibility"] = arrays["flow"][pairs], arrays["visibility"][pairs]
        return batch

    return rows


def rendered_rows(settings: RenderSettings, split: str, truth: bool, parts: bool, keep: int) -> ReadRows:
    """Returns a function that renders pairs, like that of `cached_rows`.

    Args:
      settings: what to render.
      split: the split's name.
      truth: whether to add flow and visibility.
      parts: whether to add part labels.
      keep: number of people that are kept in memory for the next pairs.
    """

    pairs_of_identity = settings.pairs

    @functools.lru_cache(maxsize=keep)
    def person(identity: int) -> Identity:
        return render_identity(settings, split, identity)

    def rows(pairs: np.ndarray) -> dict[str, np.ndarray]:
        samples = []
        for pair in pairs.tolist():
            identity, number = divmod(pair, len(pairs_of_identity))
            samples.append(person(identity).sample(*pairs_of_identity[number], truth=truth, parts=parts))
        return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}

    return rows
