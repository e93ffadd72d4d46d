"""Safe loading of networks from untrusted `.keras` files: class, size and checksums are checked first."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import keras

from gfla_tf.errors import InputError

_MAX_CONFIG_BYTES = 2**20
_MAX_BYTES = 4 * 2**30  # of all members together, decompressed
_MAX_DEPTH = 16
_WIDTHS = (  # names of the constructor arguments (width, maximum width, possible names of the depth)
    ("width", "max_width", ("num_layers", "num_blocks", "encoder_layers")),
    ("flow_width", "flow_max_width", ("flow_encoder_layers",)),
)
_CHANNELS = ("image_channels", "pose_channels", "guidance_channels")
_DAMAGE = (
    *(OSError, EOFError, KeyError, ValueError, RecursionError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
"""Exceptions raised when a file is not an archive, or a damaged one."""

LOADING_FAILS = (*(OSError, ValueError, TypeError, KeyError), *(AttributeError, RuntimeError, MemoryError))
"""Exceptions raised by Keras for weights that are damaged or do not fit the network."""


def load_network(path: str | os.PathLike, classes: Sequence[type[keras.Model]]) -> keras.Model:
    """Loads a network from the arguments and weights in a file; nothing else is loaded.

    A file of another class is rejected before Keras reads it, and Keras reads in safe mode.

    Args:
      path: a `.keras` file.
      classes: the allowed classes of `gfla_tf.models`.

    Returns:
      The network, not compiled.

    Raises:
      InputError: the file is missing, not a `.keras` file, of another class, too large or damaged. The
        message contains the path.
    """
    path = os.fspath(path)
    _check_file(path, [cls.__name__ for cls in classes])
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except LOADING_FAILS as error:
        raise InputError(f"the model {path!r} cannot be loaded: {first_line(error)}") from error


def read_arguments(path: str, names: Sequence[str], size: int | None = None) -> dict[str, Any]:
    """Reads the arguments of a network from a `config.json` file, with the checks of `load_network`.

    Args:
      path: the file.
      names: names of the allowed classes.
      size: size of the weights file in bytes; the weights of the network must fit into it. None allows
        networks of up to 4 GiB.

    Returns:
      The constructor arguments.

    Raises:
      InputError: the file is missing, too large, damaged or of another class.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(_MAX_CONFIG_BYTES + 1)
        if len(text) > _MAX_CONFIG_BYTES:
            raise InputError(f"the configuration {path!r} has more than {_MAX_CONFIG_BYTES} bytes")
        config = json.loads(text)
    except FileNotFoundError as error:
        raise InputError(f"the configuration {path!r} does not exist") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the configuration {path!r} cannot be read: {first_line(error)}") from error
    return _check_config(f"the configuration {path!r}", config, names, _MAX_BYTES if size is None else size)


def _check_file(path, names):
    """Raises InputError unless the file is an intact Keras archive of one of the named classes."""
    if not os.path.isfile(path):
        raise InputError(f"the model {path!r} does not exist or is not a file")
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > _MAX_CONFIG_BYTES:
                raise InputError(
                    f"the model {path!r} has a configuration of more than {_MAX_CONFIG_BYTES} bytes"
                )
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise InputError(f"the model {path!r} decompresses to more than {_MAX_BYTES} bytes")
            config = json.loads(archive.read("config.json"))
            damaged = archive.testzip()
            if damaged is not None:
                raise InputError(f"the model {path!r} is damaged: the checksum of its {damaged} is wrong")
    except _DAMAGE as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the model {path!r} is not a .keras file, or is damaged") from error
    _check_config(f"the model {path!r}", config, names, os.path.getsize(path))


def _check_config(what, config, names, size):
    """Returns the arguments of a configuration of one of the named classes, with weights of `size` bytes."""
    found = config.get("registered_name") if isinstance(config, dict) else None
    if found not in [f"gfla_tf>{name}" for name in names]:
        raise InputError(f"{what} is not a {' or '.join(names)} but {str(found)[:60]!r}")
    if not _fits(config.get("config"), size):
        raise InputError(f"{what} is damaged: its arguments need more weights than it contains")
    return config["config"]


def _fits(arguments, size):
    """Returns whether the largest float32 kernels of a network fit into a file of `size` bytes.

    This is checked before the network is built: a damaged or malicious file could exhaust the memory.
    """
    try:
        layers = arguments.get("attention_layers", {})
        taps = max((n * n for n in layers.values()), default=1)
        channels = max(arguments.get(name, 1) for name in _CHANNELS)
        kernels = [8 * _largest_width(arguments, *names) ** 2 for names in _WIDTHS if names[0] in arguments]
        kernels += [channels, taps * arguments.get("attention_hidden", 1)]
        return 4 * max(kernels) <= size
    except (TypeError, AttributeError, ValueError, OverflowError):
        return False


def _largest_width(arguments, width, max_width, depths):
    depth = max(arguments.get(name, 1) for name in depths)
    if depth > _MAX_DEPTH:
        raise ValueError(f"a network of {depth} layers")
    return min(arguments[width] * 2 ** (depth - 1), arguments[max_width])


def first_line(error: BaseException) -> str:
    """Returns the first line of an error message, shortened to 200 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
