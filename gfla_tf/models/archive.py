"""Safe loading of networks from untrusted `.keras` files: class, sizes, checksums and the HDF5 file first."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from gfla_tf.documents import DocumentError, parse_json
from gfla_tf.errors import InputError
from gfla_tf.files.names import other_file
from gfla_tf.weight_files.archives import entries
from gfla_tf.weight_files.keras_weights import max_file_bytes

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
"""The files with the class and arguments of a network, and with its weights."""

_MAX_CONFIG_BYTES = 2**20
_MAX_OTHER_BYTES = 2**22  # of all other members together, decompressed
_MAX_BYTES = 4 * 2**30  # of the weights of a network without a weights file
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_DEPTH = 16
_WIDTHS = (  # names of the constructor arguments (width, maximum width, possible names of the depth)
    ("width", "max_width", ("num_layers", "num_blocks", "encoder_layers")),
    ("flow_width", "flow_max_width", ("flow_encoder_layers",)),
)
_CHANNELS = ("image_channels", "pose_channels", "guidance_channels")
_DAMAGE = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)

LOADING_FAILS = (*(OSError, ValueError, TypeError, KeyError), *(AttributeError, RuntimeError, MemoryError))
"""Exceptions raised by Keras for weights that are damaged or do not fit the network."""


def load_network(path: str | os.PathLike, classes: Sequence[type[keras.Model]]) -> keras.Model:
    """Loads a network from the arguments and weights in a file; nothing else is loaded.

    A file of another class is rejected before anything is built. Keras reads only the weights, after
    `Network.load_weights` has checked them.

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
    members = _members(path)
    config = _parse(f"the model {path!r}", _read_config(path, members))
    names = [cls.__name__ for cls in classes]
    arguments = _check_config(f"the model {path!r}", config, names, os.path.getsize(path))
    cls = classes[names.index(config["registered_name"].partition(">")[2])]
    try:
        network = cls.from_config(arguments)
        network.load_weights(path)
    except LOADING_FAILS as error:
        raise InputError(f"the model {path!r} cannot be loaded: {first_line(error)}") from error
    return network


@contextlib.contextmanager
def extracted_weights(path: str | os.PathLike, network: keras.Model) -> Iterator[str]:
    """Context manager that extracts the weights of a `.keras` file to a temporary file.

    Args:
      path: the `.keras` file.
      network: the network, which bounds the number of bytes.

    Yields:
      The path of the extracted file.

    Raises:
      InputError: the file is damaged, or decompresses to more bytes than the network and its configuration
        can have.
    """
    path = os.fspath(path)
    members = _members(path)
    most = max_file_bytes(network)
    others = sum(entry.file_size for name, entry in members.items() if name != WEIGHTS)
    if members[WEIGHTS].file_size > most or others > _MAX_OTHER_BYTES:
        total = members[WEIGHTS].file_size + others
        raise InputError(
            f"the model {path!r} decompresses to {total} bytes, more than {most} for its network"
        )
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, WEIGHTS)
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
                if damaged is None:
                    with archive.open(members[WEIGHTS]) as source, open(target, "wb") as file:
                        shutil.copyfileobj(source, file)
        except _DAMAGE as error:
            raise InputError(f"the model {path!r} is damaged: {first_line(error)}") from error
        if damaged is not None:
            raise InputError(f"the model {path!r} is damaged: the checksum of its {damaged} is wrong")
        yield target


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
    except FileNotFoundError as error:
        raise InputError(f"the configuration {path!r} does not exist") from error
    except OSError as error:
        raise InputError(f"the configuration {path!r} cannot be read: {first_line(error)}") from error
    what = f"the configuration {path!r}"
    return _check_config(what, _parse(what, text), names, _MAX_BYTES if size is None else size)


def _members(path):
    """Returns {name: entry} of a `.keras` file.

    Raises:
      InputError: the file does not exist, is not an archive of a configuration and weights, or is damaged.
    """
    if not os.path.isfile(path):
        raise InputError(f"the model {path!r} does not exist or is not a file{other_file(path)}")
    try:
        members = {entry.filename: entry for entry in entries(path)}
    except InputError as error:
        raise InputError(f"the model {path!r} is not a .keras file, or is damaged: {error}") from error
    if not {CONFIG, WEIGHTS} <= set(members):
        raise InputError(f"the model {path!r} is not a .keras file: it has no {CONFIG} and {WEIGHTS}")
    unusual = [entry.filename for entry in members.values() if entry.compress_type not in _METHODS]
    if unusual:
        raise InputError(f"the model {path!r} has an unsupported compression of its {unusual[0]}")
    return members


def _read_config(path, members):
    if members[CONFIG].file_size > _MAX_CONFIG_BYTES:
        raise InputError(f"the model {path!r} has a configuration of more than {_MAX_CONFIG_BYTES} bytes")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(members[CONFIG])
    except _DAMAGE as error:
        raise InputError(f"the model {path!r} is damaged: {first_line(error)}") from error


def _parse(what, text):
    try:
        return parse_json(text)
    except DocumentError as error:
        raise InputError(f"{what} cannot be read: {error}") from error


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
    except (TypeError, AttributeError, KeyError, ValueError, OverflowError):
        return False


def _largest_width(arguments, width, max_width, depths):
    depth = max(arguments.get(name, 1) for name in depths)
    if depth > _MAX_DEPTH:
        raise ValueError(f"a network of {depth} layers")
    return min(arguments[width] * 2 ** (depth - 1), arguments[max_width])


def first_line(error: BaseException) -> str:
    """Returns the first line of an error message, shortened to 200 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
