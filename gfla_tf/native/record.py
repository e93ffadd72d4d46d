"""Where the compiled library lies, and build.json beside it: what it was built from, and with what.

Each version of TensorFlow has a folder of its own, so that several environments can share a checkout.
The record is read before the library is opened, so that one built for another TensorFlow, or from other
sources, is refused with that reason instead of crashing the process. Reading it does not load TensorFlow.
"""

import dataclasses
import hashlib
import json
from pathlib import Path

from gfla_tf.resources import resource

FOLDER = Path(__file__).resolve().parent / "lib"  # holds a folder for each version of TensorFlow
LIBRARY = "libgfla_ops.so"
RECORD = "build.json"

_LONGEST_RECORD = 1 << 16  # bytes


@dataclasses.dataclass(frozen=True)
class Record:
    """What a library was built from and with."""

    tensorflow: str  # tf.version.VERSION
    compiler: str  # "GNU 12.2.0"
    instruction_sets: list  # of the CPU kernels, e.g. ["baseline", "avx2", "avx512"]
    cuda: str | None  # nvcc's version; None without CUDA kernels
    cuda_architectures: list  # e.g. ["80-real", "90-virtual"]
    sources: str  # sha256 over the sources, `sources_digest`
    library: str  # sha256 of the library file


def library_folder(tensorflow, folder=None):
    """Where the library for a version of TensorFlow lies, below `folder` (default: `FOLDER`)."""
    return Path(FOLDER if folder is None else folder) / f"tensorflow-{tensorflow}"


def read_record(folder):
    """The record in a library's folder.

    Raises:
      FileNotFoundError: there is none.
      ValueError: it is damaged; the message is a sentence.
    """
    path = Path(folder) / RECORD
    data = _read(path, _LONGEST_RECORD)
    try:
        record = Record(**json.loads(data))
        for field in dataclasses.fields(Record):
            if not isinstance(getattr(record, field.name), field.type):
                raise TypeError(field.name)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"the library's record {path} is damaged") from error
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


def sources_digest(cuda):
    """sha256 over the names and contents of what the library is made from, with or without CUDA kernels.

    Raises:
      InputError: this installation lacks the sources.
    """
    folder = sources_folder()
    suffixes = (".cc", ".h", ".in", ".cmake", *((".cu", ".cuh") if cuda else ()))
    files = [folder / "CMakeLists.txt"]
    for part in ("cmake", "kernels", "ops"):
        files += sorted(path for path in (folder / part).iterdir() if path.suffix in suffixes)
    digest = hashlib.sha256()
    for path in files:
        name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def refusal(tensorflow, folder=None):
    """Why a library must not be opened by a version of TensorFlow, as a clause; None where it may.

    Args:
      tensorflow: tf.version.VERSION.
      folder: the library's; `library_folder(tensorflow)` unless given.
    """
    again = "run gfla native build"
    folder = library_folder(tensorflow) if folder is None else Path(folder)
    path = folder / LIBRARY
    try:
        record = read_record(folder)
        if record.tensorflow != tensorflow:
            return f"the library was built for TensorFlow {record.tensorflow}, this is {tensorflow}; {again}"
        if record.sources != sources_digest(record.cuda is not None):
            return f"the library was built from other sources than are here; {again}"
        if record.library != file_digest(path):
            return f"{path} is not the file that was built; {again}"
    except FileNotFoundError:
        return f"the library is not built for TensorFlow {tensorflow}; {again}"
    except ValueError as error:
        return f"{error}; {again}"
    except OSError as error:
        return f"the library cannot be read ({error.strerror}: {error.filename})"
    return None


def file_digest(path):
    """sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path, longest):
    with open(path, "rb") as file:
        data = file.read(longest + 1)
    if len(data) > longest:
        raise ValueError(f"the library's record {path} is damaged")
    return data
