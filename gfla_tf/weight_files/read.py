"""State dicts from files: checked first, then read as tensors and nothing else."""

import collections.abc
import dataclasses
import math
import os
import zipfile

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.weight_files import archives, kinds
from gfla_tf.weight_files.pickles import check_pickles

_MODULE = "module."  # what PyTorch's DataParallel puts before every name
_MAX_TENSORS = 20_000
_LEGACY_PICKLES = 5  # magic number, protocol, system, the state dict, the keys of its storages


@dataclasses.dataclass(frozen=True)
class WeightFile:
    """A state dict, {name: array}, and the kind of file it came from, one of those of `weight_files.kinds`.

    `parallel` says that all names began with "module.", as PyTorch's DataParallel has it; it is taken off.
    """

    path: str
    kind: str
    tensors: dict[str, np.ndarray]
    parallel: bool


def read_weights(path, prefix=""):
    """Reads a state dict; the file's content decides how, not its name.

    Args:
      path: PyTorch's zip or pre-1.6 file (read with `weights_only`, which needs PyTorch), or an `.npz` of the
        same names and layouts.
      prefix: tensors whose names begin otherwise are left out.

    Returns:
      A `WeightFile`. Floating-point tensors of PyTorch come as float32.

    Raises:
      InputError: another kind of file, a damaged one, one that claims more memory than it should, a pickle
        that would run code (nothing of it is run), entries that are no tensors, or PyTorch needed and
        missing.
    """
    path = os.fspath(path)
    kind = kinds.kind_of(path)
    if kind == kinds.KERAS:
        raise InputError(f"{path} is a .keras model, where a state dict (.pth or .npz) is expected")
    if kind == kinds.NPZ:
        return WeightFile(path, kind, *_read_npz(path, prefix))
    return WeightFile(path, kind, *_read_torch(path, kind, prefix))


def import_torch(purpose):
    """PyTorch; if it is missing, an `InputError` that names the extra."""
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f'{purpose} needs PyTorch: pip install "gfla-tf[torch]", or use an .npz of the same tensors'
        ) from error
    return torch


def _chosen(path, names, prefix):
    """({name in the file: name}, whether "module." was taken off) of the tensors to read."""
    if not 0 < len(names) <= _MAX_TENSORS:
        raise InputError(f"{path} holds {len(names)} tensors; a network has 1 to {_MAX_TENSORS}")
    parallel = all(name.startswith(_MODULE) for name in names)
    short = {name: name.removeprefix(_MODULE) if parallel else name for name in names}
    return {name: new for name, new in short.items() if new.startswith(prefix)}, parallel


def _read_npz(path, prefix):
    found = {entry.filename.removesuffix(".npy"): entry for entry in archives.entries(path)}
    archives.check_contents(path, found.values(), compressed=True)
    names, parallel = _chosen(path, found, prefix)
    tensors = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, new in names.items():
                with archive.open(found[name]) as stream:
                    tensors[new] = _read_array(stream, found[name].file_size)
    except Exception as error:  # NumPy's failures on damaged headers have no common class
        raise InputError(f"{path} cannot be read as an .npz of weights: {archives.reason(error)}") from error
    return tensors, parallel


def _read_array(stream, size):
    """One array; its header is held against the entry's size before memory is taken for it."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"an array of format version {version}, which holds no plain numbers")
    shape, fortran, dtype = read(stream)
    if dtype.kind not in "fiub":
        raise ValueError(f"an array of {dtype}, which are no plain numbers")
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
        raise InputError(f"{path} is cut short or damaged: PyTorch says: {archives.reason(error)}") from error
    _check_state_dict(path, state, torch)
    names, parallel = _chosen(path, list(state), prefix)
    if sum(state[name].numel() * 4 for name in names) > archives.MAX_BYTES:
        raise InputError(f"{path} holds tensors that would take more than {archives.MAX_BYTES} bytes")
    tensors = {new: state[name].detach() for name, new in names.items()}
    return {
        name: (t.float() if t.is_floating_point() else t).numpy() for name, t in tensors.items()
    }, parallel


def _check_torch(path, kind):
    """Looks through archive and pickle before PyTorch sees them."""
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
        raise InputError(f"{path} holds a {type(state).__name__}, not a state dict")
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
            f"are something else ({', '.join(others[:20])}); save the network's state_dict() alone"
        )


def _is_plain(value, torch):
    dense = isinstance(value, torch.Tensor) and value.layout is torch.strided and value.device.type == "cpu"
    return dense and not value.is_quantized and not value.is_complex()
