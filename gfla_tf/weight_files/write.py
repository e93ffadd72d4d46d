"""State dicts into files, as other programs read them. The caller chooses a temporary name and renames."""

import collections

import numpy as np

from gfla_tf.weight_files.read import import_torch


def write_torch(path, tensors, shared=()):
    """Writes {name: array} as a PyTorch state dict in the zip format of PyTorch 1.6 and later.

    Args:
      path: the file.
      tensors: float32 arrays.
      shared: pairs (second name, first name): the tensor is stored once and stands under both, as that of a
        module which two others hold.

    Raises:
      InputError: PyTorch is missing.
    """
    torch = import_torch(f"writing {path}")
    state = collections.OrderedDict(
        (name, torch.from_numpy(np.array(value))) for name, value in tensors.items()
    )
    for second, first in shared:
        state[second] = state[first]
    torch.save(state, path)


def write_npz(path, tensors):
    """Writes {name: array} as an uncompressed `.npz`; needs no PyTorch."""
    with open(path, "wb") as file:
        np.savez(file, **tensors)
