"""Cache of compiled libraries, for builds of the same sources in several environments."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import tensorflow as tf

from gfla_tf.files import replace_file
from gfla_tf.native.record import LIBRARY, RECORD, Record, file_digest, read_record, record_bytes


def find(record: Record) -> tuple[Record, bytes] | None:
    """Looks up the library of an earlier build with the same sources, TensorFlow and tools.

    Args:
      record: the record of the build; its `library` is ignored.

    Returns:
      (the complete record, the library's content), or None without a cache, an entry, or an intact entry.
    """
    folder = _entry(record)
    if folder is None:
        return None
    try:
        found = read_record(folder)
        if file_digest(folder / LIBRARY) != found.library:
            return None
        return found, (folder / LIBRARY).read_bytes()
    except (OSError, ValueError):
        return None


def store(record: Record, library: bytes) -> None:
    """Stores a compiled library, if there is a cache.

    Args:
      record: the complete record of the build.
      library: the library's content.

    Raises:
      InputError: the cache folder cannot be written to.
    """
    folder = _entry(record)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / LIBRARY, library)
        replace_file(folder / RECORD, record_bytes(record))


def _entry(record: Record) -> Path | None:
    """The folder for builds like this one inside the cache folder that GFLA_NATIVE_CACHE names."""
    cache = os.environ.get("GFLA_NATIVE_CACHE")
    if not cache:
        return None
    flags = [*tf.sysconfig.get_compile_flags(), *tf.sysconfig.get_link_flags()]
    flags = [flag for flag in flags if not flag.startswith(("-I", "-L"))]  # folders of the environment
    content = record_bytes(dataclasses.replace(record, library="")) + "\0".join(flags).encode()
    return Path(cache) / hashlib.sha256(content).hexdigest()
