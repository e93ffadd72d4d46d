"""The build of the compiled operators with CMake, for the installed TensorFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, write_files
from gfla_tf.native import cache
from gfla_tf.native import record as native_record
from gfla_tf.native.record import LIBRARY, RECORD, Record

_PROGRESS = re.compile(r"^\[\s*(\d+%|\d+/\d+)\] ")  # progress lines of Ninja and Make


def build(
    folder: PathLike | None = None,
    *,
    cuda: str = "auto",
    force: bool = False,
    werror: bool = False,
    scratch: PathLike | None = None,
    report: Callable[[str], None] = print,
) -> Record | None:
    """Builds the library and its build record, unless they exist and are up to date.

    The library is written atomically. If the environment variable GFLA_NATIVE_CACHE names a folder,
    the library is stored there as well, and a later build of the same sources with the same TensorFlow and
    tools copies it, unless `force` or `werror` is set.

    Args:
      folder: the parent of the output folder, which is named after the version of TensorFlow. It is created
        if it does not exist. The library is loaded only from the default, `native/lib` in the package.
      cuda: whether to compile the CUDA kernels: "on", "off", or "auto" (if nvcc and a TensorFlow with CUDA
        are installed).
      force: whether to build even if the library is up to date.
      werror: whether compiler warnings are errors.
      scratch: CMake's build folder, which is kept for incremental builds; by default a temporary folder.
      report: called with each line of progress, and with the whole output if the build fails.

    Returns:
      The build record, or None if the library is up to date.

    Raises:
      ValueError: an invalid `cuda`.
      InputError: a tool is missing, the folder is not writable, or the build failed.
    """
    if cuda not in ("auto", "on", "off"):
        raise ValueError(f'cuda must be "auto", "on" or "off", got {cuda!r}')
    folder = native_record.library_folder(tf.version.VERSION, folder)
    if not force and _is_up_to_date(folder, cuda):
        report(f"{folder / LIBRARY} is up to date for TensorFlow {tf.version.VERSION}")
        return None
    _check_writable(folder)
    cmake, compiler = _cmake(), _compiler()
    kept = contextlib.nullcontext(scratch)
    with tempfile.TemporaryDirectory(prefix="gfla_native_") if scratch is None else kept as scratch:
        _configure(cmake, compiler, scratch, cuda, werror, report)
        info = json.loads((Path(scratch) / "build_info.json").read_text(encoding="utf-8"))
        digest = native_record.sources_digest(info["cuda"] is not None)
        record = Record(**info, sources=digest, library="")
        cached = None if force or werror else cache.find(record)
        if cached is not None:
            record, library = cached
        else:
            _compile(cmake, scratch, report)
            library = (Path(scratch) / LIBRARY).read_bytes()
            record = dataclasses.replace(record, library=hashlib.sha256(library).hexdigest())
            cache.store(record, library)
        contents = {folder / LIBRARY: library, folder / RECORD: native_record.record_bytes(record)}
        write_files(contents, force=True)
    report(f"{'built' if cached is None else 'copied from the cache'} {folder / LIBRARY}")
    return record


def _is_up_to_date(folder, cuda):
    if native_record.refusal(tf.version.VERSION, folder) is not None:
        return False
    has_cuda = native_record.read_record(folder).cuda is not None
    return cuda == "auto" or has_cuda == (cuda == "on")


def _configure(cmake, compiler, scratch, cuda, werror, report):
    """Configures CMake with the flags of the installed TensorFlow."""
    if cuda == "auto" and not tf.test.is_built_with_cuda():
        cuda = "off"
    flags = [
        flag for flag in tf.sysconfig.get_compile_flags() if not flag.startswith(("-I", "-std", "--std"))
    ]
    settings = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_CXX_COMPILER": compiler,
        "GFLA_CUDA": cuda.upper(),
        "GFLA_WERROR": "ON" if werror else "OFF",
        "TensorFlow_VERSION": tf.version.VERSION,
        "TensorFlow_INCLUDE_DIR": tf.sysconfig.get_include(),
        "TensorFlow_COMPILE_FLAGS": ";".join(flags),
        "TensorFlow_LINK_FLAGS": ";".join(tf.sysconfig.get_link_flags()),
    }
    command = [cmake, "-S", os.fspath(native_record.sources_folder()), "-B", scratch]
    ninja = _tool("ninja")
    if ninja is not None:
        command += ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    report(f"configuring for TensorFlow {tf.version.VERSION} with {compiler}")
    _run([*command, *(f"-D{name}={value}" for name, value in settings.items())], report)


def _compile(cmake, scratch, report):
    command = [cmake, "--build", scratch, "--target", "gfla_ops", "--parallel", str(os.cpu_count() or 1)]
    _run(command, report)


def _run(command, report):
    """Runs a command of the build and reports its progress, or the other lines of its output if it fails.

    Raises:
      InputError: the command failed.
    """
    output = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout:
                if _PROGRESS.match(line):
                    report(line.rstrip())
                else:
                    output.append(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        report("".join(output).rstrip())
        raise InputError(
            f"the compiled operators could not be built: {Path(command[0]).name} exited with code "
            f"{process.returncode}; see its output above"
        )


def _cmake():
    cmake = _tool("cmake")
    if cmake is None:
        raise InputError(
            "building the compiled operators requires CMake, and none was found: "
            "install it, for example with pip install gfla-tf[native]"
        )
    return cmake


def _compiler():
    """Returns the path of the C++ compiler: that of the environment variable CXX, or the system's."""
    named = os.environ.get("CXX")
    for name in [named] if named else ["c++", "g++", "clang++"]:
        found = shutil.which(name)
        if found is not None:
            return found
    if named:
        raise InputError(f"the C++ compiler {named!r} of the environment variable CXX was not found")
    raise InputError(
        "building the compiled operators requires a C++17 compiler, and none was found: "
        "install g++ or clang++"
    )


def _tool(name):
    """Returns the path of a program from PATH or from this Python environment, or None."""
    return shutil.which(name) or shutil.which(name, path=sysconfig.get_path("scripts"))


def _check_writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the folder of the library, {os.fspath(folder)!r}, is not writable ({error.strerror}): "
            "build as a user who can write to it, or install gfla_tf into your own environment"
        ) from error
