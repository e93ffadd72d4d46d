"""Pairs as plain arrays in one HDF5 file, read by h5py or by tensorflow-io."""

from __future__ import annotations

import contextlib
import functools
import json
import os

import h5py
import numpy as np
import tensorflow as tf

from gfla_tf.data.layout import SPLITS
from gfla_tf.data.protocol import Protocol
from gfla_tf.errors import InputError
from gfla_tf.images.io import MAX_PIXELS
from gfla_tf.pose.network_inputs import finish_batches

READERS = ("h5py", "tensorflow-io")
IMAGES = ("source_image", "target_image")
KEYPOINTS = ("source_keypoints", "target_keypoints")
BLOCK = 32
"""Pairs read or written at once."""
SHUFFLED = 512
"""Pairs from which the next one is taken at random; a file's training pairs lie in random order already."""
MAX_PAIRS = 4_000_000

_LARGEST_CHUNK = 256 * 2**20  # bytes
_states: dict[str, list] = {}  # of each file that tensorflow-io has opened
_NUMBERS = (np.int32, np.int64, np.float32, np.float64)


class PairFile:
    """Pairs of images of one person in an HDF5 file: a group a split, "train" or "test" or both, each with

        source_image, target_image           uint8 [N, H, W, 3], RGB
        source_keypoints, target_keypoints   int or float of 32 or 64 bits [N, 18, 2], (y, x) in pixels,
                                             (-1, -1) missing

    `gfla data build --format hdf5` makes one of a data folder, with the same pairs. `protocol` tells how
    their images were prepared, or is None where that is not recorded.

    Args:
      path: the file.
      image_size: None, or the (H, W) that its images must have.
      heatmap_sigma: of the poses' Gaussians, in pixels.
      reader: "h5py", or "tensorflow-io" (`tfio.IODataset.from_hdf5`, outside Python's lock): the batches are
        the same.

    Raises:
      ValueError: another reader.
      InputError: the file is missing, is no such file or has images of another size; or tensorflow-io is
        asked for and not installed.
    """

    def __init__(self, path, image_size=None, heatmap_sigma: float = 6.0, reader: str = "h5py"):
        if reader not in READERS:
            raise ValueError(f"reader must be one of {', '.join(READERS)}, got {reader!r}")
        self.root = os.fspath(path)
        self.heatmap_sigma = heatmap_sigma
        self._rows = _by_h5py if reader == "h5py" else functools.partial(_by_tensorflow_io, _import())
        with _opened(self.root) as file:
            present = [split for split in SPLITS if split in file]
            if not present:
                raise InputError(f"the HDF5 file {self.root!r} has neither a group 'train' nor 'test'")
            self._splits = {split: _check_split(file, split, self.root) for split in present}
            self.protocol = _protocol(file, self.root)
        sizes = {size for _, size in self._splits.values()}
        if len(sizes) > 1 or (image_size is not None and sizes != {tuple(image_size)}):
            found = " and ".join(f"{height} x {width}" for height, width in sorted(sizes))
            wanted = "of one size" if image_size is None else f"{image_size[0]} x {image_size[1]}"
            raise InputError(f"the images of {self.root!r} must be {wanted}, and are {found}")
        (self.image_size,) = sizes

    def num_pairs(self, split: str) -> int:
        """The number of pairs of "train" or "test"."""
        return self.load(split)[0]

    def load(self, split: str) -> tuple[int, tuple[int, int]]:
        """(pairs, (H, W)) of a split, which was checked when the file was opened.

        Raises:
          ValueError: another split than "train" and "test".
          InputError: the file lacks it.
        """
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
        if split not in self._splits:
            raise InputError(f"the HDF5 file {self.root!r} has no group {split!r}")
        return self._splits[split]

    def as_dataset(
        self,
        split: str,
        batch_size: int,
        *,
        shuffle: bool | None = None,
        seed: int = 0,
        repeat: bool = False,
        heatmaps: bool = True,
        scaled: bool = True,
        truth: bool = False,
    ) -> tf.data.Dataset:
        """Batched dicts of a split's pairs, with the arguments and entries of `PairFolder.as_dataset`.

        Shuffled pairs come from a window of `SHUFFLED` that moves over the file, by `seed`, otherwise each
        epoch.
        """
        if truth:
            raise ValueError("PairFile has no true flow: truth must be False")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        count, size = self.load(split)
        dataset = self._rows(self.root, split, count, size)
        if split == "train" if shuffle is None else shuffle:
            dataset = dataset.shuffle(min(count, SHUFFLED), seed=seed, reshuffle_each_iteration=True)
        if repeat:
            dataset = dataset.repeat()
        return finish_batches(
            dataset.batch(batch_size), size, self.heatmap_sigma, heatmaps=heatmaps, scaled=scaled
        )


def _import():
    try:
        import tensorflow_io
    except ImportError as error:
        raise InputError(
            "reader tensorflow-io needs tensorflow-io, which the extra [tf215] installs for Python 3.11: "
            "pip install gfla-tf[tf215], or use reader h5py"
        ) from error
    return tensorflow_io


@contextlib.contextmanager
def _opened(path: str):
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError as error:
        raise InputError(f"the HDF5 file {path!r} does not exist") from error
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(f"{path!r} is no HDF5 file, or a damaged one: {str(error).strip()}") from error


def _protocol(file, path: str) -> Protocol | None:
    """How the images were prepared, as the file's attribute "protocol" tells; None without one."""
    text = file.attrs.get("protocol")
    if text is None:
        return None
    where = f"the protocol of {path!r}"
    try:
        values = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON") from error
    return Protocol.from_dict(values, where)


def _check_split(file, split: str, path: str) -> tuple[int, tuple[int, int]]:
    """(pairs, (H, W)) of a split that both readers can read and that has no part outside the file."""
    parts = {name: _check_part(file, f"{split}/{name}", path) for name in (*IMAGES, *KEYPOINTS)}
    first = parts[IMAGES[0]].shape
    count, size = (first[0], first[1:3]) if len(first) == 4 else (0, (0, 0))
    for name, part in parts.items():
        image = name in IMAGES
        shape = (count, *size, 3) if image else (count, 18, 2)
        if part.shape != shape or part.dtype not in ((np.uint8,) if image else _NUMBERS):
            expected = "uint8 [N, H, W, 3]" if image else "int or float of 32 or 64 bits [N, 18, 2]"
            raise InputError(
                f"{split}/{name} of {path!r} must be {expected}, with the N, H and W of {IMAGES[0]}, and is "
                f"{part.dtype} {list(part.shape)}"
            )
    if not 0 < count <= MAX_PAIRS or not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise InputError(f"{split} of {path!r} holds {count} images of {size[0]} x {size[1]} pixels")
    for name in KEYPOINTS:
        if not np.isfinite(parts[name][...]).all():
            raise InputError(f"{split}/{name} of {path!r} holds numbers that are not finite")
    return count, size


def _check_part(file, name: str, path: str):
    """A data set that lies in the file itself, with no filter that a reader may lack."""
    for step in (name.split("/")[0], name):
        if isinstance(file.get(step, getlink=True), h5py.SoftLink | h5py.ExternalLink):
            raise InputError(f"{step} of {path!r} is a link, and only data in the file itself is read")
    part = file.get(name)
    if not isinstance(part, h5py.Dataset):
        raise InputError(f"the HDF5 file {path!r} has no data set {name}")
    if part.is_virtual or part.external:
        raise InputError(f"{name} of {path!r} lies in other files, and only data in the file itself is read")
    plist = part.id.get_create_plist()
    filters = {plist.get_filter(number)[0] for number in range(plist.get_nfilters())}
    if filters - {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}:
        raise InputError(f"{name} of {path!r} is compressed in another way than gzip: use that, or none")
    if part.chunks and np.prod(part.chunks, dtype=np.float64) * part.dtype.itemsize > _LARGEST_CHUNK:
        raise InputError(f"{name} of {path!r} has chunks of more than {_LARGEST_CHUNK // 2**20} MiB")
    return part


def _by_h5py(path, split, count, size):
    """One pair after the other."""

    def blocks():
        with _opened(path) as file:
            for start in range(0, count, BLOCK):
                yield {name: file[split][name][start : start + BLOCK] for name in (*IMAGES, *KEYPOINTS)}

    def as_float(block):
        return {name: part.astype(np.float32) if name in KEYPOINTS else part for name, part in block.items()}

    signature = {name: tf.TensorSpec((None, *size, 3), tf.uint8) for name in IMAGES}
    signature |= {name: tf.TensorSpec((None, 18, 2), tf.float32) for name in KEYPOINTS}
    dataset = tf.data.Dataset.from_generator(lambda: map(as_float, blocks()), output_signature=signature)
    return dataset.unbatch().apply(tf.data.experimental.assert_cardinality(count))


def _by_tensorflow_io(tensorflow_io, path, split, count, size):
    path = _name_of_this_state(path)
    parts = {
        name: tensorflow_io.IODataset.from_hdf5(path, f"/{split}/{name}") for name in (*IMAGES, *KEYPOINTS)
    }
    return tf.data.Dataset.zip(parts).apply(tf.data.experimental.assert_cardinality(count))


def _name_of_this_state(path: str) -> str:
    """The path, spelt in a way of its own for each state of the file.

    tensorflow-io keeps a file open under its name: of one that was replaced or changed it would go on reading
    the old content.
    """
    folder, name = os.path.split(os.path.abspath(path))
    status = os.stat(path)
    state = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    known = _states.setdefault(os.path.join(folder, name), [])
    if state not in known:
        known.append(state)
    return os.path.join(folder, *["."] * known.index(state), name)
