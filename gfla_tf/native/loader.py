"""The loading of the compiled operators, and the choice between them and TensorFlow's operators.

The library is located lazily, once per process. The environment variable GFLA_NATIVE=0 disables it.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.native import record as native_record

OPERATORS = ("bilinear_warp", "gaussian_warp", "flowed_patches", "local_attention", "instance_norm")
_WITHOUT_CUDA = ("instance_norm",)

_log = logging.getLogger(__name__)
_lock = threading.RLock()
_logged = set()
_portable = threading.local()


class NativeUnavailableError(RuntimeError):
    """impl="native" was given, but the compiled operators are not available; the message has the reason."""

    __init__ = Exception.__init__  # AutoGraph re-raises only exceptions with this constructor unchanged


def native_available() -> bool:
    """Returns whether the compiled operators are available in this process."""
    return unavailable_reason() is None


def unavailable_reason() -> str | None:
    """Returns why the compiled operators are not available, as a clause, or None if they are."""
    return _load()[1]


def beyond(name: str, value: int, largest: int) -> str | None:
    """Returns why the compiled operators do not support an argument, as a clause, or None up to `largest`."""
    return f"its {name} is at most {largest}, got {value}" if value > largest else None


def library_path() -> Path:
    """Returns the path of the library for this version of TensorFlow, whether it exists or not."""
    return native_record.library_folder(tf.version.VERSION) / native_record.LIBRARY


def library() -> ModuleType:
    """Returns the module of the compiled operators, as in `library().gfla_local_attention(...)`.

    Raises:
      NativeUnavailableError: the library is not available.
    """
    module, reason = _load()
    if module is None:
        raise NativeUnavailableError(f"the compiled operators cannot run: {reason}")
    return module


def choose(operator: str, impl: str, unsupported: str | None = None) -> str:
    """Resolves the argument `impl` of an operator to "native" or "tf".

    "auto" becomes "native" if the compiled operator is available, and otherwise "tf"; each reason is logged
    once, with the operators that it concerns. Under `portable()`, and while a SavedModel is written, the
    result is always "tf".

    Args:
      operator: name of the operator.
      impl: "auto", "native" or "tf".
      unsupported: why the compiled operator does not support the arguments, as a clause, or None if it does.

    Raises:
      ValueError: an unknown `impl`.
      NativeUnavailableError: impl="native", but the compiled operator is not available.
    """
    check_implementation(impl)
    if impl == "tf" or getattr(_portable, "depth", 0) or _compat.writing_saved_model():
        return "tf"
    if _compat.in_xla_context():
        if impl == "native":
            raise _unavailable(operator, "XLA (jit_compile=True) cannot compile it")
        return "tf"
    if impl == "native":
        reason = unsupported or unavailable_reason()
        if reason is not None:
            raise _unavailable(operator, reason)
        return "native"
    of_all = unavailable_reason() or _preference()
    if of_all is not None:
        _log_once(", ".join(OPERATORS), of_all)
        return "tf"
    of_one = unsupported or _own_preference(operator)
    if of_one is not None:
        _log_once(operator, of_one)
        return "tf"
    return "native"


def check_implementation(impl: str) -> None:
    """Raises a ValueError if `impl` is not "auto", "native" or "tf"."""
    if impl not in ("auto", "native", "tf"):
        raise ValueError(f'impl must be "auto", "native" or "tf", got {impl!r}')


def automatic(operator: str) -> tuple[str, str | None]:
    """Returns the result of impl="auto" outside jit_compile=True: ("native", None) or ("tf", reason)."""
    reason = unavailable_reason() or _preference() or _own_preference(operator)
    return ("native", None) if reason is None else ("tf", reason)


@contextlib.contextmanager
def portable(loops: bool = True) -> Iterator[None]:
    """Context manager for tracing functions that run without the compiled library.

    In this thread, all operators use TensorFlow's operators, regardless of `impl`.

    Args:
      loops: if False, loops are unrolled, for converters and runtimes without loops. This needs more memory
        in TensorFlow.
    """
    before = getattr(_portable, "loops", True)
    _portable.depth = getattr(_portable, "depth", 0) + 1
    _portable.loops = before and loops
    try:
        yield
    finally:
        _portable.depth -= 1
        _portable.loops = before


def loops_allowed() -> bool:
    """Returns whether operators may be traced with loops; False under `portable(loops=False)`."""
    return getattr(_portable, "loops", True)


def instruction_set() -> str:
    """Returns the instruction set of the CPU kernels on this processor: "baseline", "avx2" or "avx512".

    Raises:
      NativeUnavailableError: the library is not available.
    """
    library()
    function = ctypes.CDLL(str(library_path())).gfla_instruction_set
    function.restype = ctypes.c_char_p
    return function().decode()


def _load():
    """Returns (module, None) or (None, reason)."""
    with _lock:
        return _loaded()


@functools.cache
def _loaded():
    if _disabled():
        return None, "GFLA_NATIVE=0 disables them"
    reason = native_record.refusal(tf.version.VERSION)
    if reason is not None:
        return None, reason
    path = library_path()
    try:
        return tf.load_op_library(str(path)), None
    except (tf.errors.OpError, OSError, RuntimeError) as error:
        return None, f"{path} cannot be loaded: {(str(error).splitlines() or [type(error).__name__])[0]}"


def _preference():
    """Returns why "auto" does not use an available library, as a clause, or None if it does."""
    if not _has_gpu():
        return None
    if not _has_cuda():
        return "there is a GPU, but the library has no CUDA kernels; run gfla native build --cuda on"
    if _compat.op_determinism():
        return "op determinism is enabled, but its gradients on a GPU are not deterministic"
    return None


def _own_preference(operator):
    """Returns why "auto" does not use one available operator, as a clause, or None if it does."""
    return "there is a GPU, and it has no CUDA kernel" if operator in _WITHOUT_CUDA and _has_gpu() else None


@functools.cache
def _has_gpu():
    return bool(tf.config.list_physical_devices("GPU"))


@functools.cache
def _has_cuda():
    return native_record.read_record(library_path().parent).cuda is not None


def _disabled():
    return os.environ.get("GFLA_NATIVE") == "0"


def _log_once(operators, reason):
    with _lock:
        if (operators, reason) in _logged:
            return
        _logged.add((operators, reason))
    level = logging.INFO if _disabled() else logging.WARNING
    _log.log(level, "%s: using TensorFlow's operators: %s", operators, reason)


def _unavailable(operator, reason):
    return NativeUnavailableError(f'{operator}(impl="native") cannot run: {reason}; use impl="tf"')
