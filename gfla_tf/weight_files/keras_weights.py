"""Checks of the HDF5 files in which Keras saves weights, before Keras reads them."""

from __future__ import annotations

import math
import os
from typing import Any

from gfla_tf import hdf5
from gfla_tf.documents import DocumentError, parse_json
from gfla_tf.errors import InputError

_COPIES = 5  # weights, up to three variables of an optimizer for each, and averages
_SLACK = 2**20
_STRUCTURE = 2**16  # bytes of the groups and headers of one variable
_MAX_INDEX = 2**24  # bytes of the index of weights in several files


def max_weight_bytes(network: Any) -> int:
    """Returns the largest plausible size of the weights of a network: with an optimizer, in float64.

    Args:
      network: a built `keras.Model`.
    """
    return _SLACK + _COPIES * 8 * sum(math.prod(variable.shape) for variable in network.variables)


def max_file_bytes(network: Any) -> int:
    """Returns the largest plausible size of an HDF5 file of the weights of a network."""
    return max_weight_bytes(network) + _STRUCTURE * len(network.variables)


def check_weights(path: str | os.PathLike, network: Any, what: str | None = None) -> None:
    """Checks an HDF5 file of weights, without loading them: what it needs is in proportion to the network.

    Args:
      path: a `.weights.h5` or `.h5` file.
      network: the built `keras.Model` that is to load it.
      what: name of the file in messages; by default its path.

    Raises:
      InputError: the file cannot be read, is damaged, is larger or declares more than the network can have,
        or has compressed or chunked data, links or other features that Keras does not write.
    """
    path = os.fspath(path)
    what = repr(path) if what is None else what
    most = max_file_bytes(network)
    try:
        size = os.path.getsize(path)
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror or error}") from error
    if size > most:
        raise InputError(f"{what} has {size} bytes, but weights of this network have at most {most}")
    found = hdf5.read_structure(path, what=what)
    declared, most = sum(dataset.nbytes for dataset in found.values()), max_weight_bytes(network)
    if declared > most:
        raise InputError(f"{what} declares {declared} bytes of weights, but this network has at most {most}")
    chunked = [name for name, dataset in found.items() if dataset.chunks is not None]
    if chunked:
        raise InputError(f"{what} has weights in chunks, as Keras does not write them: {chunked[0]!r}")


def check_shards(path: str | os.PathLike, network: Any) -> None:
    """Checks the HDF5 files of weights that Keras 3 saved in several files, as `check_weights` does.

    Args:
      path: the `.weights.json` file, the index of the others.
      network: the built `keras.Model` that is to load them.

    Raises:
      InputError: the index cannot be read or is damaged, or one of the files is refused.
    """
    path = os.fspath(path)
    try:
        with open(path, "rb") as file:
            text = file.read(_MAX_INDEX + 1)
        if len(text) > _MAX_INDEX:
            raise InputError(f"{path!r} has more than {_MAX_INDEX} bytes: not an index of weights")
        named = parse_json(text)["weight_map"].values()
        names = {name for one in named for name in ([one] if isinstance(one, str) else one)}
        inside = all(os.path.basename(name) == name for name in names)
    except OSError as error:
        raise InputError(f"{path!r} cannot be read: {error.strerror or error}") from error
    except (DocumentError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{path!r} is not an index of weights, or is damaged: {error}") from error
    if not inside:
        raise InputError(f"{path!r} names files outside its folder")
    base, _, _ = os.path.basename(path).rpartition(".weights.json")
    for name in sorted(names | {f"{base}_00000.weights.h5"}):  # Keras opens the first one in any case
        check_weights(os.path.join(os.path.dirname(path), name), network)
