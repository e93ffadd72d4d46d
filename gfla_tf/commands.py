"""The command lines that messages recommend: quoted for a shell, and complete."""

from __future__ import annotations

import json
import os
import shlex
import string

from gfla_tf.documents import DocumentError, parse_yaml
from gfla_tf.files.names import is_utf8

TORCHVISION_VGG19 = "vgg19-dcbb9e9d.pth"
"""The name of torchvision's file of VGG19, with which the paper's networks were trained."""


def command(*words: str | os.PathLike) -> str:
    """Returns a `gfla` command line for a POSIX shell."""
    return " ".join(["gfla", *map(_quoted, map(os.fspath, words))])


def _quoted(word: str) -> str:
    """Quotes a word for a POSIX shell; bytes that are not UTF-8 are written with printf, in ASCII."""
    if is_utf8(word):
        return shlex.quote(word)
    plain = frozenset((string.ascii_letters + string.digits + "/._-=,+").encode())
    text = "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in os.fsencode(word))
    return f"\"$(printf '{text}')\""


def argument(path: str | os.PathLike) -> str:
    """Returns a path that is not read as an option: `-x` becomes `./-x`."""
    path = os.fspath(path)
    return os.path.join(".", path) if path.startswith("-") else path


def setting(key: str, value: str | os.PathLike) -> str:
    """Returns the override KEY=VALUE of a text setting; text that YAML would read otherwise is quoted."""
    text = os.fspath(value)
    try:
        plain = not is_utf8(text) or parse_yaml(text) == text  # other bytes are not read as YAML
    except DocumentError:
        plain = False
    return f"{key}={text if plain else json.dumps(text, ensure_ascii=False)}"


def free_path(path: str) -> str:
    """Returns the path, or the first of `path-2`, `path-3`, ... that does not exist."""
    free, number = path, 1
    while os.path.lexists(free):
        number += 1
        free = f"{path}-{number}"
    return free


def training_command(configuration: str, root: str | os.PathLike, *overrides: str) -> str:
    """Returns the command that trains with VGG19 features on a dataset.

    The weights of VGG19 are torchvision's if their file is in the current folder, otherwise those that Keras
    downloads; the run prints which are used.

    Args:
      configuration: name of a shipped configuration.
      root: the dataset folder, shards folder or HDF5 file.
      *overrides: further settings, `KEY=VALUE`; they may contain `features.weights`.
    """
    values = [*overrides, setting("data.root", root)]
    if not any(value.startswith("features.weights=") for value in values):
        weights = TORCHVISION_VGG19 if os.path.isfile(TORCHVISION_VGG19) else "imagenet"
        values.append(setting("features.weights", weights))
    return command("train", configuration, *values, "-o", free_path(f"runs/{configuration}"))
