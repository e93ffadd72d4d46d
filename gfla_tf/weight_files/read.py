"""Reading of state dicts from untrusted files: checked first, then loaded as tensors only."""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import os
import zipfile
from types import ModuleType

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.weight_files import archives, kinds
from gfla_tf.weight_files.pickles import check_pickles

_MODULE = "module."  # the prefix that PyTorch's DataParallel adds to every name
_MAX_TENSORS = 20_000
_LEGACY_PICKLES = 5  # magic number, protocol, system, the state dict, the keys of its storages


@dataclasses.dataclass(frozen=True)
class WeightFile:
    """A state dict read from a file.

    Attributes:
      path: The file.
      kind: Its format, see `weight_files.kinds`.
      tensors: {name: array}.
      parallel: Whether the prefix "module." of PyTorch's DataParallel was removed from all names.
    """

    path: str
    kind: str
    tensors: dict[str, np.ndarray]
    parallel: bool


def read_weights(path: str | os.PathLike, prefix: str = "") -> WeightFile:
    """Reads a state dict; the format is detected by the file's content, not by its name.

    Args:
      path: A file of PyTorch, in the zip format or the format before 1.6 (read with `weights_only`, which
        needs PyTorch), or an `.npz` with the same names and layouts.
      prefix: Only tensors whose names start with it are read.

    Returns:
      A `WeightFile`. Floating-point tensors of PyTorch are converted to float32.

    Raises:
      InputError: The file has another format, is damaged, declares too much memory, contains a pickle that
        would run code (none is run) or entries that are not tensors, or PyTorch is needed but not installed.
    """
    path = os.fspath(path)
    kind = kinds.kind_of(path)
    if kind == kinds.KERAS:
        raise InputError(f"{path} is a .keras model, but a state dict (.pth or .npz) is expected")
    if kind == kinds.NPZ:
        return WeightFile(path, kind, *_read_npz(path, prefix))
    return WeightFile(path, kind, *_read_torch(path, kind, prefix))


def read_arrays(path: str | os.PathLike, max_bytes: int = archives.MAX_BYTES) -> dict[str, np.ndarray]:
    """Reads all arrays of an `.npz` file of numbers, whatever their names.

    Args:
      path: The file.
      max_bytes: The largest size of all arrays together.

    Raises:
      InputError: The file cannot be read, is damaged, or declares more than `max_bytes`.
    """
    path = os.fspath(path)
    found = _npz_entries(path, max_bytes)
    return dict(_arrays(path, found, found))


def import_torch(purpose: str) -> ModuleType:
    """Imports PyTorch.

    Raises:
      InputError: PyTorch is not installed; the message names the extra.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f'{purpose} needs PyTorch: python -m pip install "gfla-tf[torch]", or use an .npz of the same '
            "tensors"
        ) from error
    return torch


def _chosen(path, names, prefix):
    """Returns {name in the file: name} of the tensors to read, and whether "module." was removed."""
    if not 0 < len(names) <= _MAX_TENSORS:
        raise InputError(f"{path} contains {len(names)} tensors; 1 to {_MAX_TENSORS} are expected")
    parallel = all(name.startswith(_MODULE) for name in names)
    short = {name: name.removeprefix(_MODULE) if parallel else name for name in names}
    return {name: new for name, new in short.items() if new.startswith(prefix)}, parallel


def _read_npz(path, prefix):
    found = _npz_entries(path)
    names, parallel = _chosen(path, found, prefix)
    return {names[name]: array for name, array in _arrays(path, found, names)}, parallel


def _npz_entries(path, max_bytes=archives.MAX_BYTES):
    found = {entry.filename.removesuffix(".npy"): entry for entry in archives.entries(path)}
    archives.check_contents(path, found.values(), compressed=True, most=max_bytes)
    return found


def _arrays(path, found, names):
    """Yields (name, array) of some entries."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                with archive.open(found[name]) as stream:
                    yield name, _read_array(stream, found[name].file_size)
    except Exception as error:  # NumPy's failures on damaged headers have no common class
        raise InputError(
            f"{path} cannot be read as an .npz file of weights: {archives.reason(error)}"
        ) from error


def _read_array(stream, size):
    """Reads one array; its header is checked against the entry's size before memory is allocated."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"an array of the unsupported format version {version}")
    shape, fortran, dtype = read(stream)
    if dtype.kind not in "fiub":
        raise ValueError(f"an array of the unsupported dtype {dtype}")
    count = math.prod(shape)
    if any(side < 0 for side in shape) or count * dtype.itemsize > size:
        raise ValueError(f"an array of shape {shape} in {size} bytes")
    data = stream.read(count * dtype.itemsize)
    return np.frombuffer(data, dtype, count).reshape(shape, order="F" if fortran else "C")


def _read_torch(path, kind, prefix):
    _check_torch(path, kind)
    torch = import_torch(f"reading {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load's failures have no common class
        raise InputError(
            f"{path} is truncated or damaged: PyTorch reports: {archives.reason(error)}"
        ) from error
    _check_state_dict(path, state, torch)
    names, parallel = _chosen(path, list(state), prefix)
    if sum(state[name].numel() * 4 for name in names) > archives.MAX_BYTES:
        raise InputError(f"{path} contains tensors that would need more than {archives.MAX_BYTES} bytes")
    tensors = {new: state[name].detach() for name, new in names.items()}
    return {
        name: (t.float() if t.is_floating_point() else t).numpy() for name, t in tensors.items()
    }, parallel


def _check_torch(path, kind):
    """Checks archive and pickles before PyTorch loads them."""
    if kind == kinds.LEGACY_TORCH:
        with open(path, "rb") as stream:
            check_pickles(path, stream, _LEGACY_PICKLES)
        return
    found = archives.entries(path)
    archives.check_contents(path, found, compressed=False)
    with zipfile.ZipFile(path) as archive:
        for entry in found:
            if entry.filename.casefold().endswith(".pkl"):
                with archive.open(entry) as stream:
                    check_pickles(path, stream)


def _check_state_dict(path, state, torch):
    if not isinstance(state, collections.abc.Mapping):
        raise InputError(f"{path} contains a {type(state).__name__}, not a state dict")
    if "param_groups" in state:
        raise InputError(f"{path} is the state of an optimizer, not of a network")
    others = [
        str(name)[:60]
        for name, value in state.items()
        if not isinstance(name, str) or not _is_plain(value, torch)
    ]
    if others:
        raise InputError(
            f"{path} is not a state dict of named, dense tensors: {len(others)} of its {len(state)} entries "
            f"are something else ({', '.join(others[:20])}); save only the network's state_dict()"
        )


def _is_plain(value, torch):
    dense = isinstance(value, torch.Tensor) and value.layout is torch.strided and value.device.type == "cpu"
    return dense and not value.is_quantized and not value.is_complex()
