"""Writing of a data folder's pairs to an HDF5 file for `PairFile`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator

import h5py
import numpy as np
import tensorflow as tf

from gfla_tf.batching.order import PairOrder
from gfla_tf.data.hdf5.reader import BLOCK, IMAGES, KEYPOINTS
from gfla_tf.data.layout import find_layout
from gfla_tf.data.opening import open_pairs
from gfla_tf.data.pipeline import data_errors, pair_reader
from gfla_tf.data.shards.builder import splits_of
from gfla_tf.data.split import Split
from gfla_tf.files import PathLike, atomic_path, check_output
from gfla_tf.files.temporary import check_space
from gfla_tf.pose.keypoints import NUM_KEYPOINTS


def write_pair_file(
    folder: PathLike,
    out: PathLike,
    layout: str | None = None,
    *,
    workers: int = 1,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Writes all splits of a data folder, with images and keypoints at the layout's size, atomically.

    Training pairs are written in a fixed random order, because the file is read in blocks; test pairs in
    the order of their list.

    Args:
      folder: the data folder.
      out: the output file.
      layout: "deepfashion" or "market1501"; by default detected from the names of the CSV files.
      workers: number of threads that decode images.
      force: overwrite an existing file.
      progress: called as progress(pairs done, all pairs).

    Returns:
      {split: pairs}.

    Raises:
      InputError: the folder or its lists are invalid, an image is missing or damaged, or `out` cannot be
        written.
    """
    check_output(out, force)
    folder, out = os.fspath(folder), os.fspath(out)
    chosen = find_layout(folder, layout)
    dataset = open_pairs(folder, chosen.image_size, layout=layout)
    protocol = dataset.protocol
    splits = {split: dataset.load(split) for split in splits_of(folder, chosen)}
    total, done = sum(len(data.pairs) for data in splits.values()), 0
    size = 2 * (3 * math.prod(dataset.image_size) + NUM_KEYPOINTS * 2 * 4)  # bytes of a pair
    check_space(os.path.dirname(out) or ".", 2**16 + total * size)
    with atomic_path(out) as temporary, h5py.File(temporary, "x") as file, data_errors():
        if protocol is not None:
            file.attrs["protocol"] = json.dumps(protocol.to_dict())
        for split, data in splits.items():
            group, count = file.create_group(split), len(data.pairs)
            shapes = dict.fromkeys(IMAGES, ((count, *dataset.image_size, 3), "u1"))
            shapes |= dict.fromkeys(KEYPOINTS, ((count, 18, 2), "f4"))
            for name, (shape, kind) in shapes.items():
                group.create_dataset(name, shape, kind)
            for start, batch in enumerate(_batches(data, split, dataset.image_size, workers)):
                for name, part in batch.items():
                    group[name][start * BLOCK : start * BLOCK + len(part)] = part
                done += len(part)
                if progress is not None:
                    progress(done, total)
    return {split: len(data.pairs) for split, data in splits.items()}


def _batches(data: Split, split: str, size: tuple[int, int], workers: int) -> Iterator[dict[str, np.ndarray]]:
    order = np.arange(len(data.pairs))
    if split == "train":
        np.random.default_rng(0).shuffle(order)
    pairs = tf.data.Dataset.from_tensor_slices(order).batch(BLOCK)
    read = pair_reader(data, size, PairOrder(len(order)))
    return pairs.map(read, num_parallel_calls=workers, deterministic=True).as_numpy_iterator()
