"""The folder of the compiled library, and its build record `build.json`.

Each version of TensorFlow has its own folder, so that several environments can share a checkout. The record
is checked before the library is loaded, because a library for another version of TensorFlow could crash the
process. Reading the record does not import TensorFlow.
"""

import dataclasses
import hashlib
import json
from pathlib import Path

from gfla_tf.files import PathLike
from gfla_tf.resources import resource

FOLDER = Path(__file__).resolve().parent / "lib"  # contains a folder for each version of TensorFlow
LIBRARY = "libgfla_ops.so"
RECORD = "build.json"

_LONGEST_RECORD = 1 << 16  # bytes


@dataclasses.dataclass(frozen=True)
class Record:
    """The build record: the sources and tools that a library was built with."""

    tensorflow: str  # tf.version.VERSION
    compiler: str  # "GNU 12.2.0"
    instruction_sets: list  # of the CPU kernels, such as ["baseline", "avx2", "avx512"]
    cuda: str | None  # version of nvcc, or None without CUDA kernels
    cuda_architectures: list  # such as ["80-real", "90-virtual"]
    sources: str  # SHA-256 of the sources, from `sources_digest`
    library: str  # SHA-256 of the library file


def library_folder(tensorflow: str, folder: PathLike | None = None) -> Path:
    """Returns the folder of the library for a version of TensorFlow, inside `folder` (default: `FOLDER`)."""
    return Path(FOLDER if folder is None else folder) / f"tensorflow-{tensorflow}"


def read_record(folder: PathLike) -> Record:
    """Reads the build record in the folder of a library.

    Raises:
      FileNotFoundError: the record does not exist.
      ValueError: the record is damaged.
    """
    path = Path(folder) / RECORD
    data = _read(path, _LONGEST_RECORD)
    try:
        record = Record(**json.loads(data))
        for field in dataclasses.fields(Record):  # needs evaluated annotations
            if not isinstance(getattr(record, field.name), field.type):
                raise TypeError(field.name)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"the library's record {path} is damaged") from error
    return record


def record_bytes(record: Record) -> bytes:
    """Returns the content of `build.json`."""
    return (json.dumps(dataclasses.asdict(record), indent=2) + "\n").encode()


def sources_folder() -> Path:
    """Returns the folder `custom_ops` of this installation or checkout.

    Raises:
      InputError: it does not exist.
    """
    return resource("custom_ops")


def sources_digest(cuda: bool) -> str:
    """Returns the SHA-256 of the names and contents of the sources, with or without the CUDA kernels.

    Raises:
      InputError: the sources do not exist.
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


def refusal(tensorflow: str, folder: PathLike | None = None) -> str | None:
    """Returns why a library must not be loaded by a version of TensorFlow, as a clause, or None if it may.

    Args:
      tensorflow: the version, `tf.version.VERSION`.
      folder: folder of the library; by default `library_folder(tensorflow)`.
    """
    again = "run gfla native build"
    folder = library_folder(tensorflow) if folder is None else Path(folder)
    path = folder / LIBRARY
    try:
        record = read_record(folder)
        if record.tensorflow != tensorflow:
            return f"the library was built for TensorFlow {record.tensorflow}, this is {tensorflow}; {again}"
        if record.sources != sources_digest(record.cuda is not None):
            return f"the library was built from other sources than those installed; {again}"
        if record.library != file_digest(path):
            return f"{path} is not the file that was built; {again}"
    except FileNotFoundError:
        return f"the library is not built for TensorFlow {tensorflow}; {again}"
    except ValueError as error:
        return f"{error}; {again}"
    except OSError as error:
        return f"the library cannot be read ({error.strerror}: {error.filename})"
    return None


def file_digest(path: PathLike) -> str:
    """Returns the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path, longest):
    with open(path, "rb") as file:
        data = file.read(longest + 1)
    if len(data) > longest:
        raise ValueError(f"the library's record {path} is damaged")
    return data
