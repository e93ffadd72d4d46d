"""Where the compiled library lies, and build.json beside it: what it was built from, and with what.

The record is read before the library is opened, so that one built for another TensorFlow, or from other
sources, is refused with that reason instead of crashing the process.
"""

import dataclasses
import hashlib
import json
from pathlib import Path

from gfla_tf.resources import resource

FOLDER = Path(__file__).resolve().parent / "lib"
LIBRARY = "libgfla_ops.so"
RECORD = "build.json"

_LONGEST_RECORD = 1 << 16  # bytes


@dataclasses.dataclass(frozen=True)
class Record:
    """What a library was built from and with."""

    tensorflow: str  # tf.version.VERSION
    compiler: str  # "GNU 12.2.0"
    instruction_sets: (
        tuple  # those that the CPU kernels are compiled for, e.g. ("baseline", "avx2", "avx512")
    )
    cuda: str | None  # nvcc's version; None without CUDA kernels
    cuda_architectures: tuple  # e.g. ("80-real", "90-real", "90-virtual")
    sources: str  # sha256 over the sources, `sources_digest`
    library: str  # sha256 of the library file


def read_record(folder=FOLDER):
    """The record in a library's folder.

    Raises:
      FileNotFoundError: there is none.
      ValueError: it is damaged; the message is a sentence.
    """
    path = Path(folder) / RECORD
    data = _read(path, _LONGEST_RECORD)
    try:
        values = json.loads(data)
        record = Record(**{name: _value(item) for name, item in values.items()})
        for field in dataclasses.fields(Record):
            kinds = {"cuda": str | None, "instruction_sets": tuple, "cuda_architectures": tuple}
            if not isinstance(getattr(record, field.name), kinds.get(field.name, str)):
                raise TypeError(field.name)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"its record {path} is damaged") from error
    return record


def record_bytes(record):
    """build.json's content."""
    return (json.dumps(dataclasses.asdict(record), indent=2) + "\n").encode()


def sources_folder():
    """The folder custom_ops, of this installation or checkout.

    Raises:
      InputError: this installation lacks it.
    """
    return resource("custom_ops")


def sources_digest():
    """sha256 over the names and contents of everything in `sources_folder` that the library is made from.

    Raises:
      InputError: this installation lacks the sources.
    """
    folder = sources_folder()
    digest = hashlib.sha256()
    for part in ("CMakeLists.txt", "cmake", "kernels", "ops"):
        root = folder / part
        files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if _is_source(path))
        for path in files:
            name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
            digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def file_digest(path):
    """sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_source(path):
    return path.suffix in (".cc", ".cu", ".h", ".cuh", ".in", ".cmake") and path.is_file()


def _read(path, longest):
    with open(path, "rb") as file:
        data = file.read(longest + 1)
    if len(data) > longest:
        raise ValueError(f"its record {path} is damaged")
    return data


def _value(item):
    return tuple(item) if isinstance(item, list) else item
