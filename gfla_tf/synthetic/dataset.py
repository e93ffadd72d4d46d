"""`SyntheticPeople`: a dataset of rendered, clothed people with the true flow between their images."""

from __future__ import annotations

import functools
import os
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from gfla_tf import arguments
from gfla_tf.batching.order import GROUP, PairOrder, shuffled, shuffled_in_groups
from gfla_tf.errors import InputError

from .batches import cached_rows, rendered_rows
from .body import PART_NAMES
from .identity import RenderSettings, render_identity
from .workers import render_range

if TYPE_CHECKING:
    import tensorflow as tf

    from gfla_tf.batching.rows import RowReader


class SyntheticPeople:
    """A procedural dataset: pairs of images of one person in two poses, with different light and camera.

    Identity i of a split has `images_per_identity` images (n). Its n (n - 1) ordered pairs have the indices
    i n (n - 1) to (i + 1) n (n - 1) - 1. Every sample is a pure function of (seed, split, index), and no
    person is in two splits.

    Example:

    ```python
    from gfla_tf.synthetic import SyntheticPeople

    people = SyntheticPeople(image_size=(64, 64), identities={"train": 8, "test": 2})
    sample = people.sample("test", 0)
    print(sample["source_image"].shape, sample["flow"].shape)  # (64, 64, 3) (64, 64, 2)

    batch = next(iter(people.as_dataset("train", batch_size=4)))
    print(batch["source_image"].shape, batch["target_pose"].shape)  # (4, 64, 64, 3) (4, 64, 64, 18)
    ```

    Args:
      image_size: (H, W) in pixels, each at least 32.
      seed: a non-negative integer.
      identities: {split: number of people}. Defaults to 5000 for "train" and 100 for "test".
      images_per_identity: at least 2.
      heatmap_sigma: standard deviation of the pose heatmaps in pixels. By default, the paper's 6 pixels at
        height 256, scaled with the height, but at least 2.
      supersample: sub-pixels per pixel along each axis, for antialiasing.

    Attributes:
      image_size: (H, W) in pixels.
      heatmap_sigma: standard deviation of the pose heatmaps in pixels.
      part_names: the name of each part label; label 0 is the background.

    Raises:
      ValueError: an argument is out of range.
    """

    part_names = PART_NAMES

    def __init__(
        self,
        image_size: tuple[int, int] = (64, 64),
        seed: int = 0,
        identities: Mapping[str, int] | None = None,
        images_per_identity: int = 4,
        heatmap_sigma: float | None = None,
        supersample: int = 2,
    ):
        identities = {"train": 5000, "test": 100} if identities is None else dict(identities)
        size = arguments.image_size(image_size, 32, 4096)
        arguments.integer("images_per_identity", images_per_identity, 2, 100)
        arguments.integer("supersample", supersample, 1, 8)
        for split, count in identities.items():
            arguments.integer(f"identities of {split!r}", count, 0, 10**6)
        if heatmap_sigma is None:
            heatmap_sigma = max(2.0, 6.0 * size[0] / 256)
        self.image_size = size
        self.seed = arguments.integer("seed", seed, 0, 2**63 - 1)
        self.identities = types.MappingProxyType(identities)
        self.images_per_identity = int(images_per_identity)
        self.heatmap_sigma = arguments.number("heatmap_sigma", heatmap_sigma, 0, 4096, strict=True)
        self._settings = RenderSettings(size, self.seed, self.images_per_identity, int(supersample))
        self._render = functools.lru_cache(maxsize=2)(functools.partial(render_identity, self._settings))
        self._cached = {}

    @property
    def pairs_per_identity(self) -> int:
        """Number of ordered pairs of each identity."""
        return len(self._settings.pairs)

    def num_pairs(self, split: str) -> int:
        """Number of pairs in `split`."""
        return self._count(split) * self.pairs_per_identity

    def sample(self, split: str, index: int) -> dict[str, np.ndarray]:
        """Renders pair `index` of `split`.

        Returns:
          A dict of NumPy arrays:
            source_image, target_image: uint8 [H, W, 3], RGB.
            source_keypoints, target_keypoints: float32 [18, 2], (y, x) in pixels, -1 where not visible.
            source_parts, target_parts: uint8 [H, W], indices into `part_names`.
            flow: float32 [H, W, 2], (dx, dy) in pixels, from each target pixel to its surface point in the
              source.
            visibility: float32 [H, W], 1 where that point is visible in the source, else 0.

        Raises:
          IndexError: the index is out of range.
          ValueError: the split does not exist.
        """
        if not 0 <= index < self.num_pairs(split):
            raise IndexError(f"split {split!r} has pairs 0 to {self.num_pairs(split) - 1}, got index {index}")
        identity, pair = divmod(int(index), self.pairs_per_identity)
        return self._render(split, identity).sample(*self._settings.pairs[pair], truth=True, parts=True)

    def as_arrays(
        self,
        split: str,
        start: int = 0,
        stop: int | None = None,
        truth: bool = False,
        workers: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, np.ndarray]:
        """Renders identities start..stop-1 as stacked arrays, for training from memory.

        Args:
          split: the split's name.
          start: the first identity.
          stop: one past the last identity; None is the end of the split.
          truth: whether to add flow and visibility.
          workers: number of worker processes; with 0, the calling process renders.
          progress: called as progress(done, total) after each identity.

        Returns:
          A dict of images uint8 [N, H, W, 3], keypoints float32 [N, 18, 2], parts uint8 [N, H, W], and pairs
          int32 [P, 2], whose rows are (source, target) indices into the first axis, in the order of `sample`.
          If `truth`, also flow float32 [P, H, W, 2] and visibility float32 [P, H, W].

        Raises:
          ValueError: the split does not exist, or the range is empty or out of bounds.
          InputError: the arrays need more memory than the machine has.
          RuntimeError: a worker process failed.
        """
        stop = self._count(split) if stop is None else stop
        if not 0 <= start < stop <= self._count(split):
            raise ValueError(
                f"split {split!r} has identities 0 to {self._count(split) - 1}, got {start} to {stop - 1}"
            )
        cached = self._cached.get(split)
        if (
            cached is not None
            and (start, stop) == (0, self._count(split))
            and (not truth or "flow" in cached)
        ):
            return dict(cached)
        self._check_memory(split, stop - start, truth)
        arrays = render_range(self._settings, split, start, stop, truth, workers, progress)
        first = np.arange(stop - start, dtype=np.int32)[:, None, None] * self.images_per_identity
        arrays["pairs"] = (first + np.array(self._settings.pairs, np.int32)).reshape(-1, 2)
        return arrays

    def cache(
        self,
        split: str,
        truth: bool = False,
        workers: int = 2,
        progress: Callable[[int, int], None] | None = None,
    ) -> SyntheticPeople:
        """Renders the whole split into memory, from which `as_dataset` then reads it.

        Args:
          split: the split's name.
          truth: whether flow and visibility are kept too.
          workers: as in `as_arrays`.
          progress: as in `as_arrays`.

        Returns:
          The dataset itself.
        """
        if split not in self._cached or (truth and "flow" not in self._cached[split]):
            self._cached[split] = self.as_arrays(split, truth=truth, workers=workers, progress=progress)
        return self

    def as_dataset(
        self,
        split: str,
        batch_size: int,
        *,
        shuffle: bool | None = None,
        seed: int = 0,
        repeat: bool = False,
        heatmaps: bool = True,
        truth: bool = False,
        parts: bool = False,
        start: int = 0,
        shard: tuple[int, int] | None = None,
        served: Callable[[RowReader], RowReader] | None = None,
    ) -> tf.data.Dataset:
        """Returns a `tf.data.Dataset` of batches.

        Batch k is a function of the dataset, `seed` and k alone, and of whether the split was cached before
        this call. An epoch contains each pair once.

        Args:
          split: the split's name.
          batch_size: number of pairs per batch. Without `repeat`, the last batch may be smaller.
          shuffle: whether to shuffle; None shuffles "train" only. Each epoch has its own order. If the split
            is not cached, groups of 16 people are rendered in random order, and pairs are shuffled within a
            group.
          seed: the seed of the order.
          repeat: whether the dataset repeats indefinitely. All batches are then full: a batch may contain the
            last pairs of an epoch and the first ones of the next, and every iteration begins with the first
            epoch. Otherwise an iteration is one epoch, and the next iteration is the next epoch.
          heatmaps: whether to add source_pose and target_pose.
          truth: whether to add flow, visibility, source_parts and target_parts.
          parts: whether to add source_parts and target_parts.
          start: the number of the first batch, counted from the first epoch with `repeat`, and in each epoch
            without. It takes the same time for every `start`.
          shard: (index, shards): only part `index` of the rows of each batch, for one of several workers, as
            in `gfla_tf.batching.positions`.
          served: replaces the result of `row_reader`, for the data service.

        Returns:
          A dataset of dicts: source_image, target_image float32 [B, H, W, 3] in [-1, 1]; source_keypoints,
          target_keypoints float32 [B, 18, 2]; and, if selected, source_pose, target_pose float32
          [B, H, W, 18]; flow float32 [B, H, W, 2]; visibility float32 [B, H, W]; source_parts, target_parts
          int32 [B, H, W].

        Raises:
          ValueError: the split does not exist, the batch size is less than 1, `seed` or `start` is negative,
            or `shard` is invalid.
        """
        from gfla_tf.batching.positions import batch_positions
        from gfla_tf.pose.network_inputs import finish_batches

        count = self.num_pairs(split)
        positions = batch_positions(count, batch_size, repeat=repeat, start=start, shard=shard)
        shuffle = split == "train" if shuffle is None else shuffle
        reader = self.row_reader(split, shuffle=shuffle, seed=seed, truth=truth, parts=parts)
        reader = reader if served is None else served(reader)
        return finish_batches(
            positions,
            self.image_size,
            self.heatmap_sigma,
            load=reader,
            parallel=reader.parallel,
            heatmaps=heatmaps,
        )

    def row_reader(
        self, split: str, *, shuffle: bool, seed: int, truth: bool = False, parts: bool = False
    ) -> RowReader:
        """Returns a reader of the rows of batches; the arguments are those of `as_dataset`."""
        from .pipeline import row_reader

        count, parts = self.num_pairs(split), truth or parts
        arrays = self._cached.get(split)
        cached = arrays is not None and (not truth or "flow" in arrays)
        if not shuffle:
            order = PairOrder(count)
        elif cached:
            order = shuffled(count, seed)
        else:
            order = shuffled_in_groups(count, self.pairs_per_identity, seed)
        if cached:
            rows = cached_rows(arrays, truth, parts)
        else:
            rows = rendered_rows(self._settings, split, truth, parts, keep=GROUP if shuffle else 1)
        return row_reader(rows, order, self.image_size, truth=truth, parts=parts, parallel=cached)

    def _check_memory(self, split: str, identities: int, truth: bool) -> None:
        pixels = self.image_size[0] * self.image_size[1]
        needed = identities * pixels * 4 * self.images_per_identity  # images and part labels
        if truth:
            needed += identities * pixels * 12 * self.pairs_per_identity  # flow and visibility
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if needed > memory:
            raise InputError(
                f"{identities} people of the split {split!r} need {needed / 2**30:.1f} GiB, more than the "
                f"{memory / 2**30:.1f} GiB of this machine's memory: use fewer people or smaller images"
            )

    def _count(self, split: str) -> int:
        if split not in self.identities:
            raise ValueError(f"SyntheticPeople has the splits {', '.join(self.identities)}, got {split!r}")
        return self.identities[split]
