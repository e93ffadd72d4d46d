"""Loading networks from `.keras` files, which may come from anybody: only ours, only whole, only small."""

import json
import os
import zipfile
import zlib

import keras

from gfla_tf.errors import InputError

_MAX_CONFIG_BYTES = 2**20
_MAX_BYTES = 4 * 2**30  # of all members together, unpacked
_MAX_DEPTH = 16
_WIDTHS = (  # (width, largest width, depth), by the names of the constructors' arguments
    ("width", "max_width", ("num_layers", "num_blocks", "encoder_layers")),
    ("flow_width", "flow_max_width", ("flow_encoder_layers",)),
)
_CHANNELS = ("image_channels", "pose_channels", "guidance_channels")
_DAMAGE = (
    *(OSError, EOFError, KeyError, ValueError, RecursionError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading an archive raises that is none, or no whole one."""

LOADING_FAILS = (*(OSError, ValueError, TypeError, KeyError), *(AttributeError, RuntimeError, MemoryError))
"""What Keras raises on weights that are damaged or do not fit."""


def load_network(path, classes):
    """Loads a network from its arguments and weights; nothing else in the file has a say.

    A file of another class is refused before Keras reads it, and Keras reads in safe mode.

    Args:
      path: a `.keras` file.
      classes: the classes of `gfla_tf.models` that will do.

    Raises:
      InputError: missing, not a `.keras` file, another model, too large or damaged; the sentence names the
        file.
    """
    path = os.fspath(path)
    _check_file(path, [cls.__name__ for cls in classes])
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except LOADING_FAILS as error:
        raise InputError(f"the model {path!r} cannot be loaded: {first_line(error)}") from error


def read_arguments(path, names, size=None):
    """The arguments of a network from a `config.json` outside an archive, checked as `load_network` does.

    Args:
      path: of the file.
      names: of the classes that will do.
      size: in bytes, of the weights' file, in which the weights that the arguments ask for must have room;
        None: there is none, and the largest network taken is one of `_MAX_BYTES`.

    Raises:
      InputError: missing, too large, damaged, or of another class.
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
    """Checks that the file is a whole Keras archive of one of our classes."""
    if not os.path.isfile(path):
        raise InputError(f"the model {path!r} does not exist or is not a file")
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > _MAX_CONFIG_BYTES:
                raise InputError(
                    f"the model {path!r} has a configuration of more than {_MAX_CONFIG_BYTES} bytes"
                )
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise InputError(f"the model {path!r} unpacks to more than {_MAX_BYTES} bytes")
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
    """The arguments of a configuration that is one of the named classes', with weights of at most `size`."""
    found = config.get("registered_name") if isinstance(config, dict) else None
    if found not in [f"gfla_tf>{name}" for name in names]:
        raise InputError(f"{what} is not a {' or '.join(names)} but {str(found)[:60]!r}")
    if not _fits(config.get("config"), size):
        raise InputError(f"{what} is damaged: its arguments ask for more weights than it holds")
    return config["config"]


def _fits(arguments, size):
    """Whether the largest kernels that a network's arguments ask for, float32, have room in its file.

    Building it first would take whatever memory a damaged or malicious file names.
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


def first_line(error):
    """Of an error's text, for the end of a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
