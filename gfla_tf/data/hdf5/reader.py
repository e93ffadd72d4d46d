"""Pairs from an HDF5 file, read by h5py or by tensorflow-io."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from types import ModuleType

import h5py
import numpy as np
import tensorflow as tf

from gfla_tf import arguments
from gfla_tf.batching.order import GROUP, PairOrder, shuffled_in_groups
from gfla_tf.batching.rows import RowReader
from gfla_tf.data.layout import SPLITS
from gfla_tf.data.pairs import PairDataset
from gfla_tf.data.protocol import Protocol
from gfla_tf.documents import DocumentError, parse_json
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.files.names import other_file
from gfla_tf.hdf5 import read_structure
from gfla_tf.images.io import MAX_PIXELS
from gfla_tf.pose.frame import check_keypoints

READERS = ("h5py", "tensorflow-io")
IMAGES = ("source_image", "target_image")
KEYPOINTS = ("source_keypoints", "target_keypoints")
BLOCK = 32
"""Number of pairs that are read or written at a time."""
MAX_PAIRS = 4_000_000

_LARGEST_CHUNK = 256 * 2**20  # bytes
_states: dict[str, list[tuple[int, ...]]] = {}  # by path, the states of the files that tensorflow-io opened
ReadBlock = Callable[[slice], dict[str, np.ndarray]]
_KEYPOINT_DTYPES = (np.int32, np.int64, np.float32, np.float64)


class PairFile(PairDataset):
    """Pairs of images of one person in an HDF5 file.

    The file has a group "train" or "test", or both, with the datasets

        source_image, target_image           uint8 [N, H, W, 3], RGB
        source_keypoints, target_keypoints   32-bit or 64-bit int or float [N, 18, 2], (y, x) in pixels,
                                             (-1, -1) missing

    `gfla data build --format hdf5` writes one from a data folder, with the same pairs. Blocks of
    `BLOCK` pairs are shuffled, and then the pairs within groups of `GROUP` blocks, one of which is kept in
    memory; the training pairs of such a file are already in random order. Without shuffling, one block is.

    Args:
      path: the file.
      image_size: (H, W) that the images must have; by default any size is accepted.
      heatmap_sigma: standard deviation of the heatmaps' Gaussians, in pixels.
      reader: "h5py", or "tensorflow-io" (`tfio.IOTensor.from_hdf5`, which reads without Python's lock).
        The batches are the same.

    Raises:
      ValueError: an unknown reader.
      InputError: the file is missing, invalid or has images of another size; or the reader is "tensorflow-io"
        and it is not installed.
    """

    def __init__(
        self,
        path: PathLike,
        image_size: tuple[int, int] | None = None,
        heatmap_sigma: float = 6.0,
        reader: str = "h5py",
    ):
        if reader not in READERS:
            raise ValueError(f"reader must be one of {', '.join(READERS)}, got {reader!r}")
        self.root = os.fspath(path)
        self.heatmap_sigma = arguments.number("heatmap_sigma", heatmap_sigma, 0, 8192, strict=True)
        if image_size is not None:
            image_size = arguments.image_size(image_size, 1, 8192)
        self._read = _by_h5py if reader == "h5py" else functools.partial(_by_tensorflow_io, _import())
        if os.path.exists(self.root):
            read_structure(
                self.root, [f"{split}/{name}" for split in SPLITS for name in (*IMAGES, *KEYPOINTS)]
            )
        with _opened(self.root) as file:
            present = [split for split in SPLITS if split in file]
            if not present:
                raise InputError(f"the HDF5 file {self.root!r} has neither a group 'train' nor 'test'")
            self._splits = {split: _check_split(file, split, self.root) for split in present}
            self._protocol = _protocol(file, self.root)
        sizes = {size for _, size in self._splits.values()}
        if len(sizes) > 1 or (image_size is not None and sizes != {tuple(image_size)}):
            found = " and ".join(f"{height} x {width}" for height, width in sorted(sizes))
            expected = "of one size" if image_size is None else f"{image_size[0]} x {image_size[1]}"
            raise InputError(f"the images of {self.root!r} must be {expected}, and are {found}")
        (self.image_size,) = sizes

    @property
    def protocol(self) -> Protocol | None:
        """How the images were prepared, or None if that is not recorded."""
        return self._protocol

    def num_pairs(self, split: str) -> int:
        """The number of pairs of a split, "train" or "test"."""
        return self.load(split)[0]

    def load(self, split: str) -> tuple[int, tuple[int, int]]:
        """Returns (number of pairs, (H, W)) of a split.

        Raises:
          ValueError: an unknown split.
          InputError: the file has no such group.
        """
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
        if split not in self._splits:
            raise InputError(f"the HDF5 file {self.root!r} has no group {split!r}")
        return self._splits[split]

    def row_reader(self, split: str, *, shuffle: bool, seed: int) -> RowReader:
        """Returns a reader of the pairs; see `PairDataset.row_reader`."""
        count, size = self.load(split)
        order = shuffled_in_groups(count, BLOCK, seed) if shuffle else PairOrder(count)
        return _row_reader(self._read(self.root, split), count, size, order, GROUP if shuffle else 1)

    def fingerprint(self, split: str) -> str:
        """Returns a hash of the keypoints of a split's pairs."""
        self.load(split)
        digest = hashlib.sha256()
        with _opened(self.root) as file:
            for name in KEYPOINTS:
                digest.update(file[split][name][...].astype(np.float32).tobytes())
        return digest.hexdigest()


def _import() -> ModuleType:
    try:
        import tensorflow_io
    except ImportError as error:
        raise InputError(
            "the reader tensorflow-io requires tensorflow-io, which the extra [tf215] installs for Python "
            "3.11: pip install gfla-tf[tf215], or use the reader h5py"
        ) from error
    return tensorflow_io


@contextlib.contextmanager
def _opened(path: str) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError as error:
        raise InputError(f"the HDF5 file {path!r} does not exist{other_file(path)}") from error
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(f"{path!r} is not an HDF5 file, or is damaged: {str(error).strip()}") from error


def _protocol(file: h5py.File, path: str) -> Protocol | None:
    """Reads the attribute "protocol"; None if the file has none."""
    text = file.attrs.get("protocol")
    if text is None:
        return None
    where = f"the protocol of {path!r}"
    try:
        values = parse_json(text)
    except (TypeError, DocumentError) as error:
        raise InputError(f"{where} is not JSON") from error
    return Protocol.from_dict(values, where)


def _check_split(file: h5py.File, split: str, path: str) -> tuple[int, tuple[int, int]]:
    """Checks that both readers can read a split from this file; returns (pairs, (H, W))."""
    parts = {name: _check_part(file, f"{split}/{name}", path) for name in (*IMAGES, *KEYPOINTS)}
    first = parts[IMAGES[0]].shape
    count, size = (first[0], first[1:3]) if len(first) == 4 else (0, (0, 0))
    for name, part in parts.items():
        image = name in IMAGES
        shape = (count, *size, 3) if image else (count, 18, 2)
        if part.shape != shape or part.dtype not in ((np.uint8,) if image else _KEYPOINT_DTYPES):
            expected = "uint8 [N, H, W, 3]" if image else "32-bit or 64-bit int or float [N, 18, 2]"
            raise InputError(
                f"{split}/{name} of {path!r} must be {expected}, with the N, H and W of {IMAGES[0]}, and is "
                f"{part.dtype} {list(part.shape)}"
            )
    if not 0 < count <= MAX_PAIRS or not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise InputError(f"{split} of {path!r} contains {count} images of {size[0]} x {size[1]} pixels")
    for name in KEYPOINTS:
        points = parts[name][...]
        if not np.isfinite(points).all():
            raise InputError(f"{split}/{name} of {path!r} contains numbers that are not finite")
        check_keypoints(points, size, f"{split}/{name} of {path!r}")
    return count, size


def _check_part(file: h5py.File, name: str, path: str) -> h5py.Dataset:
    """Returns a dataset that is stored in the file itself, with filters that all readers support."""
    for step in (name.split("/")[0], name):
        if isinstance(file.get(step, getlink=True), h5py.SoftLink | h5py.ExternalLink):
            raise InputError(f"{step} of {path!r} is a link: only data in the file itself is read")
    part = file.get(name)
    if not isinstance(part, h5py.Dataset):
        raise InputError(f"the HDF5 file {path!r} has no dataset {name}")
    if part.is_virtual or part.external:
        raise InputError(f"{name} of {path!r} is stored in other files: only data in the file itself is read")
    plist = part.id.get_create_plist()
    filters = {plist.get_filter(number)[0] for number in range(plist.get_nfilters())}
    if filters - {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}:
        raise InputError(f"{name} of {path!r} has an unsupported compression: use gzip or none")
    if part.chunks and np.prod(part.chunks, dtype=np.float64) * part.dtype.itemsize > _LARGEST_CHUNK:
        raise InputError(f"{name} of {path!r} has chunks of more than {_LARGEST_CHUNK // 2**20} MiB")
    return part


def _by_h5py(path: str, split: str) -> ReadBlock:
    def read(rows: slice) -> dict[str, np.ndarray]:
        with _opened(path) as file:
            return {name: file[split][name][rows] for name in (*IMAGES, *KEYPOINTS)}

    return read


def _by_tensorflow_io(tensorflow_io: ModuleType, path: str, split: str) -> ReadBlock:
    tensors = tensorflow_io.IOTensor.from_hdf5(_unique_path(path))

    def read(rows: slice) -> dict[str, np.ndarray]:
        return {name: tensors(f"/{split}/{name}")[rows].numpy() for name in (*IMAGES, *KEYPOINTS)}

    return read


def _row_reader(read: ReadBlock, count: int, size: tuple[int, int], order: PairOrder, keep: int) -> RowReader:
    """Returns a reader of pairs that keeps the last `keep` blocks in memory."""
    specs = dict.fromkeys(IMAGES, tf.TensorSpec((*size, 3), tf.uint8))
    specs |= dict.fromkeys(KEYPOINTS, tf.TensorSpec((18, 2), tf.float32))
    lock = threading.Lock()

    @functools.lru_cache(maxsize=keep)
    def block(number: int) -> dict[str, np.ndarray]:
        return read(slice(number * BLOCK, min((number + 1) * BLOCK, count)))

    def rows(positions: np.ndarray) -> list[np.ndarray]:
        pairs = order.pairs(positions).tolist()
        arrays = {
            name: np.empty((len(pairs), *spec.shape), spec.dtype.as_numpy_dtype)
            for name, spec in specs.items()
        }
        with lock:
            for row, pair in enumerate(pairs):
                number, inside = divmod(pair, BLOCK)
                for name, array in arrays.items():
                    array[row] = block(number)[name][inside]
        return list(arrays.values())

    return RowReader(rows, specs, parallel=False)  # the blocks are read in the order of the pairs


def _unique_path(path: str) -> str:
    """Returns a different spelling of the path for each state of the file.

    tensorflow-io caches open files by path, so it would read the old content of a file that has changed.
    """
    folder, name = os.path.split(os.path.abspath(path))
    status = os.stat(path)
    state = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    known = _states.setdefault(os.path.join(folder, name), [])
    if state not in known:
        known.append(state)
    return os.path.join(folder, *["."] * known.index(state), name)
