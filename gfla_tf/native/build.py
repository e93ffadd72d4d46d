"""Builds the compiled operators with CMake, for the TensorFlow at hand, into the installed package."""

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
from pathlib import Path

import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.files import write_files
from gfla_tf.native import cache
from gfla_tf.native import record as native_record
from gfla_tf.native.record import LIBRARY, RECORD, Record

_PROGRESS = re.compile(r"^\[\s*(\d+%|\d+/\d+)\] ")  # of ninja and of make


def build(folder=None, *, cuda="auto", force=False, werror=False, scratch=None, report=print):
    """Builds the library, and the record beside it, unless they are there and up to date.

    The library is written atomically. If the environment variable GFLA_NATIVE_CACHE names a folder,
    the library is stored there as well, and a later build of the same sources with the same TensorFlow and
    tools copies it, unless `force` or `werror` is set.

    Args:
      folder: holds a folder for each version of TensorFlow, and the library goes into one of them; made if it
        is missing. Only in its default place, beside this module, is the library found.
      cuda: "auto" (the CUDA kernels are compiled where nvcc and a TensorFlow with CUDA are found), "on" or
        "off".
      force: build again what is up to date.
      werror: the compiler's warnings are errors.
      scratch: CMake's folder, kept for the next build to go on from; a temporary one unless given.
      report: called with each line of progress; with the whole output of the compiler if it fails.

    Returns:
      The record, or None where there was nothing to do.

    Raises:
      ValueError: another `cuda`.
      InputError: a tool is missing, the folder cannot be written, or the build failed.
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
    report(f"{'built' if cached is None else 'took from the cache'} {folder / LIBRARY}")
    return record


def _is_up_to_date(folder, cuda):
    if native_record.refusal(tf.version.VERSION, folder) is not None:
        return False
    has_cuda = native_record.read_record(folder).cuda is not None
    return cuda == "auto" or has_cuda == (cuda == "on")


def _configure(cmake, compiler, scratch, cuda, werror, report):
    """Runs CMake over the sources, with the flags of this TensorFlow."""
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
    """Runs a step of the build; reports its lines of progress, and the rest of its output if it fails.

    Raises:
      InputError: it failed.
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
            f"the native operators could not be built: {Path(command[0]).name} ended with code "
            f"{process.returncode}, its output stands above"
        )


def _cmake():
    cmake = _tool("cmake")
    if cmake is None:
        raise InputError(
            "building the native operators needs CMake, and there is none: "
            "install it, or pip install gfla-tf[native]"
        )
    return cmake


def _compiler():
    """The C++ compiler that the environment names as CXX, or the system's."""
    named = os.environ.get("CXX")
    for name in [named] if named else ["c++", "g++", "clang++"]:
        found = shutil.which(name)
        if found is not None:
            return found
    if named:
        raise InputError(f"the C++ compiler that CXX names, {named!r}, cannot be found")
    raise InputError(
        "building the native operators needs a C++17 compiler, and there is none: install g++ or clang++"
    )


def _tool(name):
    """A program of the PATH or of this environment's scripts; None if there is none."""
    return shutil.which(name) or shutil.which(name, path=sysconfig.get_path("scripts"))


def _check_writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the library's folder {os.fspath(folder)!r} cannot be written "
            f"({error.strerror}): build as its owner, or "
            "install gfla_tf into an environment of your own"
        ) from error
