"""Writes the pairs of a data folder as plain arrays into one HDF5 file, as `PairFile` reads them."""

from __future__ import annotations

import json
import os

import h5py
import numpy as np
import tensorflow as tf

from gfla_tf.data.hdf5.reader import BLOCK, IMAGES, KEYPOINTS
from gfla_tf.data.layout import find_layout
from gfla_tf.data.opening import open_pairs
from gfla_tf.data.pipeline import data_errors, load_pairs
from gfla_tf.data.shards.builder import splits_of
from gfla_tf.files import atomic_path, check_output


def write_pair_file(
    folder, out, layout: str | None = None, *, workers: int = 1, force: bool = False, progress=None
) -> dict[str, int]:
    """Writes every split that a data folder has, images and keypoints at the layout's size.

    Training pairs are written in random order (the same each time), since the file is read from its beginning
    to its end; test pairs in the order of their list. The file appears complete or not at all.

    Args:
      folder: the data folder.
      out: the file.
      layout: "deepfashion", "market1501" or None: told by the names of the CSV files.
      workers: threads that decode images.
      force: replaces the file that is there.
      progress: None or a function of (pairs done, pairs in all).

    Returns:
      {split: pairs}.

    Raises:
      InputError: the folder or its lists are wrong, an image is missing or damaged, or `out` cannot be
        written.
    """
    check_output(out, force)
    folder, out = os.fspath(folder), os.fspath(out)
    chosen = find_layout(folder, layout)
    dataset = open_pairs(folder, chosen.image_size, layout=layout)
    protocol = dataset.protocol
    splits = {split: dataset.load(split) for split in splits_of(folder, chosen)}
    total, done = sum(len(data.pairs) for data in splits.values()), 0
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


def _batches(data, split, size, workers):
    order = np.arange(len(data.pairs))
    if split == "train":
        np.random.default_rng(0).shuffle(order)
    numbers = tf.data.Dataset.from_tensor_slices(order).batch(BLOCK)
    return numbers.map(
        lambda rows: load_pairs(rows, data, size), num_parallel_calls=workers, deterministic=True
    ).as_numpy_iterator()
