"""SyntheticPeople: procedurally drawn, clothed people with the true flow between their pictures."""

from __future__ import annotations

import functools
import types

import numpy as np

from .body import PART_NAMES
from .drawing import Recipe, draw_identity
from .workers import draw_range

_BLOCK = 16  # identities drawn together and shuffled among themselves when nothing is cached


class SyntheticPeople:
    """Drawn people: pairs of pictures of one person in two poses, under two lights and two cameras.

    Identity i of a split has `images_per_identity` pictures (n); its n (n - 1) ordered pairs have the
    indices i n (n - 1) to (i + 1) n (n - 1) - 1. Every sample is a pure function of (seed, split, index),
    and no person is in two splits.

    Args:
      image_size: (H, W) in pixels, each at least 32. seed: not negative. identities: how many people each
      split has; 5000 "train", 100 "test" unless given. images_per_identity: at least 2. heatmap_sigma: of
      the pose maps, in pixels; None scales the paper's 6 px at 256 with the height, at least 2.
      supersample: sub-pixels a pixel each way, for antialiasing.

    Attributes: `image_size`, `heatmap_sigma`, `part_names` (label number -> name, 0 the background).

    Raises:
      ValueError: an argument out of range.
    """

    part_names = PART_NAMES

    def __init__(
        self,
        image_size=(64, 64),
        seed=0,
        identities=None,
        images_per_identity=4,
        heatmap_sigma=None,
        supersample=2,
    ):
        identities = {"train": 5000, "test": 100} if identities is None else dict(identities)
        size = tuple(int(n) for n in image_size)
        if len(size) != 2 or min(size) < 32:
            raise ValueError(
                f"image_size must be (height, width) of at least 32 pixels each, got {image_size}"
            )
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}")
        if images_per_identity < 2:
            raise ValueError(
                f"images_per_identity must be at least 2 to make pairs, got {images_per_identity}"
            )
        if any(count < 0 for count in identities.values()):
            raise ValueError(f"identities must not be negative, got {identities}")
        if supersample < 1:
            raise ValueError(f"supersample must be at least 1, got {supersample}")
        self.image_size = size
        self.seed = int(seed)
        self.identities = types.MappingProxyType(identities)
        self.images_per_identity = int(images_per_identity)
        self.heatmap_sigma = max(2.0, 6.0 * size[0] / 256) if heatmap_sigma is None else float(heatmap_sigma)
        self._recipe = Recipe(size, self.seed, self.images_per_identity, int(supersample))
        self._draw = functools.lru_cache(maxsize=2)(functools.partial(draw_identity, self._recipe))
        self._cached = {}

    @property
    def pairs_per_identity(self):
        """How many ordered pairs each identity has."""
        return len(self._recipe.pairs)

    def num_pairs(self, split):
        """How many pairs `split` has."""
        return self._count(split) * self.pairs_per_identity

    def sample(self, split, index):
        """Pair `index` of `split` as a dict of NumPy arrays.

        source_image, target_image uint8 [H, W, 3] RGB; source_keypoints, target_keypoints float32 [18, 2]
        (y, x) in pixels, -1 where not seen; source_parts, target_parts uint8 [H, W], see `part_names`; flow
        float32 [H, W, 2] (dx, dy) in pixels, from each target pixel to its surface point in the source;
        visibility float32 [H, W], 1 where that is seen.

        Raises:
          IndexError: no such pair.
          ValueError: no such split.
        """
        if not 0 <= index < self.num_pairs(split):
            raise IndexError(f"split {split!r} has pairs 0 to {self.num_pairs(split) - 1}, asked for {index}")
        identity, pair = divmod(int(index), self.pairs_per_identity)
        person = self._draw(split, identity)
        return _pair_sample(person, *self._recipe.pairs[pair], truth=True, parts=True)

    def as_arrays(self, split, start=0, stop=None, truth=False, workers=0, progress=None):
        """The pictures of identities start..stop-1 as stacked arrays, for training from memory.

        Returns a dict: images uint8 [N, H, W, 3], keypoints float32 [N, 18, 2], parts uint8 [N, H, W], and
        pairs int32 [P, 2], rows (source, target) of numbers into the first axis, in the order of `sample`;
        with truth also flow float32 [P, H, W, 2] and visibility float32 [P, H, W].

        Args:
          workers: processes to draw with; 0 draws in this one. progress: called as progress(done, total) in
          identities.

        Raises:
          ValueError: no such split, or an empty or impossible range. RuntimeError: a drawing process
          failed.
        """
        stop = self._count(split) if stop is None else stop
        if not 0 <= start < stop <= self._count(split):
            raise ValueError(
                f"split {split!r} has identities 0 to {self._count(split) - 1}, "
                f"asked for {start} to {stop - 1}"
            )
        cached = self._cached.get(split)
        if (
            cached is not None
            and (start, stop) == (0, self._count(split))
            and (not truth or "flow" in cached)
        ):
            return dict(cached)
        arrays = draw_range(self._recipe, split, start, stop, truth, workers, progress)
        first = np.arange(stop - start, dtype=np.int32)[:, None, None] * self.images_per_identity
        arrays["pairs"] = (first + np.array(self._recipe.pairs, np.int32)).reshape(-1, 2)
        return arrays

    def cache(self, split, truth=False, workers=2, progress=None):
        """Draws the whole split into memory once; from then on `as_dataset` serves it without drawing.

        With truth, the flow and the visibility are kept too. Arguments as in `as_arrays`. Returns the
        dataset itself.
        """
        if split not in self._cached or (truth and "flow" not in self._cached[split]):
            self._cached[split] = self.as_arrays(split, truth=truth, workers=workers, progress=progress)
        return self

    def as_dataset(
        self,
        split,
        batch_size,
        *,
        shuffle=None,
        seed=0,
        repeat=False,
        heatmaps=True,
        truth=False,
        parts=False,
    ):
        """A `tf.data.Dataset` of batched dicts.

        source_image, target_image float32 [B, H, W, 3] in [-1, 1]; source_keypoints, target_keypoints
        float32 [B, 18, 2]; with heatmaps source_pose, target_pose float32 [B, H, W, 18]; with truth flow
        float32 [B, H, W, 2], visibility float32 [B, H, W], source_parts, target_parts int32 [B, H, W]. The
        last batch may be smaller.

        Args:
          shuffle: None shuffles "train" only. Each pass has its own order, and the sequence of orders
          follows from `seed`. Uncached
            people are drawn as needed, and shuffled in random order in blocks of 16 people.
          repeat: goes on for ever.
          parts: adds source_parts and target_parts alone, which costs nothing.
        """
        from .pipeline import make_dataset

        self._count(split)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        shuffle = split == "train" if shuffle is None else shuffle
        batches = functools.partial(self._batches, split, batch_size, shuffle, seed, truth, truth or parts)
        steps = -(-self.num_pairs(split) // batch_size)
        return make_dataset(
            batches, steps, self.image_size, self.heatmap_sigma, repeat, heatmaps, truth, truth or parts
        )

    def _count(self, split):
        if split not in self.identities:
            raise ValueError(
                f"SyntheticPeople has the splits {', '.join(self.identities)}, asked for {split!r}"
            )
        return self.identities[split]

    def _batches(self, split, batch_size, shuffle, seed, truth, parts, epoch):
        """Yields the batches (dicts of stacked arrays) of one pass."""
        cached = self._cached.get(split)
        if cached is not None and (not truth or "flow" in cached):
            yield from self._cached_batches(cached, split, batch_size, shuffle, seed, truth, parts, epoch)
            return
        waiting = []
        for sample in self._samples(split, shuffle, seed, truth, parts, epoch):
            waiting.append(sample)
            if len(waiting) == batch_size:
                yield _stack(waiting)
                waiting = []
        if waiting:
            yield _stack(waiting)

    def _cached_batches(self, cached, split, batch_size, shuffle, seed, truth, parts, epoch):
        count = self.num_pairs(split)
        order = np.random.default_rng([seed, epoch]).permutation(count) if shuffle else np.arange(count)
        for first in range(0, count, batch_size):
            rows = order[first : first + batch_size]
            batch = {}
            for role, images in zip(("source", "target"), cached["pairs"][rows].T, strict=True):
                batch[f"{role}_image"] = cached["images"][images]
                batch[f"{role}_keypoints"] = cached["keypoints"][images]
                if parts:
                    batch[f"{role}_parts"] = cached["parts"][images]
            if truth:
                batch["flow"], batch["visibility"] = cached["flow"][rows], cached["visibility"][rows]
            yield batch

    def _samples(self, split, shuffle, seed, truth, parts, epoch):
        rng = np.random.default_rng([seed, epoch])
        people = rng.permutation(self._count(split)) if shuffle else np.arange(self._count(split))
        size = _BLOCK if shuffle else 1
        for first in range(0, len(people), size):
            block = [
                draw_identity(self._recipe, split, int(person)) for person in people[first : first + size]
            ]
            pairs = [(person, pair) for person in block for pair in self._recipe.pairs]
            for number in rng.permutation(len(pairs)) if shuffle else range(len(pairs)):
                person, pair = pairs[number]
                yield _pair_sample(person, *pair, truth=truth, parts=parts)


def _pair_sample(person, source, target, truth, parts):
    sample = {}
    for role, drawing in (("source", person.drawings[source]), ("target", person.drawings[target])):
        sample[f"{role}_image"], sample[f"{role}_keypoints"] = drawing.image.copy(), drawing.keypoints.copy()
        if parts:
            sample[f"{role}_parts"] = drawing.parts.copy()
    if truth:
        sample["flow"], sample["visibility"] = person.truth(source, target)
    return sample


def _stack(samples):
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}
