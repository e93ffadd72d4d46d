"""Writing of state dicts to files."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Mapping

import numpy as np

from gfla_tf.weight_files.read import import_torch


def write_torch(
    path: str | os.PathLike,
    tensors: Mapping[str, np.ndarray],
    shared: Iterable[tuple[str, str]] = (),
) -> None:
    """Writes {name: array} as a PyTorch state dict in the zip format of PyTorch 1.6 and later.

    Args:
      path: The file. It is not written atomically.
      tensors: float32 arrays.
      shared: Pairs (second name, first name) of tensors that are stored once under two names.

    Raises:
      InputError: PyTorch is not installed.
    """
    torch = import_torch(f"writing {path}")
    state = collections.OrderedDict(
        (name, torch.from_numpy(np.array(value))) for name, value in tensors.items()
    )
    for second, first in shared:
        state[second] = state[first]
    torch.save(state, path)


def write_npz(path: str | os.PathLike, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes {name: array} as an uncompressed `.npz` file. PyTorch is not needed."""
    with open(path, "wb") as file:
        np.savez(file, **tensors)


def weights_file_size(weights: Iterable[np.ndarray]) -> int:
    """Returns an upper bound, in bytes, of the size of a `.weights.h5` file."""
    return 2**16 + sum(weight.nbytes + 2**13 for weight in weights)
