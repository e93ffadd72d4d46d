"""Finds and loads the compiled operators, says why they are not there, and chooses an implementation.

They are looked for once a process, when an operator is first called or somebody asks. GFLA_NATIVE=0 in the
environment turns them off.
"""

import contextlib
import ctypes
import functools
import logging
import os
import threading

import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.native import record as native_record

OPERATORS = ("bilinear_warp", "gaussian_warp", "flowed_patches", "local_attention")

_log = logging.getLogger(__name__)
_lock = threading.RLock()
_said = set()
_portable = threading.local()


class NativeUnavailableError(RuntimeError):
    """impl="native" was asked for, and the compiled operators cannot run; the message says why."""

    __init__ = Exception.__init__  # by which AutoGraph knows that it may raise it again as itself


def native_available():
    """Whether the compiled operators can run in this process."""
    return unavailable_reason() is None


def unavailable_reason():
    """Why the compiled operators cannot run in this process, as a clause; None where they can."""
    return _load()[1]


def beyond(name, value, largest):
    """Why the compiled operators do not take an argument of this value, as a clause; None up to `largest`."""
    return f"{name} is at most {largest} there, got {value}" if value > largest else None


def library_path():
    """Where the library for this version of TensorFlow lies, or would lie."""
    return native_record.library_folder(tf.version.VERSION) / native_record.LIBRARY


def library():
    """The loaded module of operators: `library().gfla_local_attention(...)`.

    Raises:
      NativeUnavailableError: it cannot be loaded.
    """
    module, reason = _load()
    if module is None:
        raise NativeUnavailableError(f"the compiled operators cannot run: {reason}")
    return module


def choose(operator, impl, unsupported=None):
    """Resolves impl="auto" | "native" | "tf" for an operator, where it is called, to "native" or "tf".

    "auto" is "native" wherever that can run; where it is not, the log says so once for each reason, and which
    operators it is about. Under `portable()`, and while a SavedModel is written, every name gives "tf".

    Args:
      operator: its name.
      impl: "auto", "native" or "tf".
      unsupported: why the compiled operator does not take these arguments, as a clause; None where it does.

    Raises:
      ValueError: another name.
      NativeUnavailableError: "native" where it cannot run.
    """
    check_implementation(impl)
    if impl == "tf" or getattr(_portable, "depth", 0) or _compat.writing_saved_model():
        return "tf"
    if _compat.in_xla_context():
        if impl == "native":
            raise _cannot_run(operator, "XLA (jit_compile=True) cannot compile it")
        return "tf"
    if impl == "native":
        reason = unsupported or unavailable_reason()
        if reason is not None:
            raise _cannot_run(operator, reason)
        return "native"
    of_all = unavailable_reason() or _preference()
    if of_all is not None:
        _say_once(", ".join(OPERATORS), of_all)
        return "tf"
    if unsupported is not None:
        _say_once(operator, unsupported)
        return "tf"
    return "native"


def check_implementation(impl):
    """Raises ValueError unless `impl` is one of the three implementation names."""
    if impl not in ("auto", "native", "tf"):
        raise ValueError(f'impl must be "auto", "native" or "tf", got {impl!r}')


def automatic(operator):
    """What impl="auto" gives outside jit_compile=True: ("native", None), or ("tf", the reason)."""
    reason = unavailable_reason() or _preference()
    return ("native", None) if reason is None else ("tf", reason)


@contextlib.contextmanager
def portable(loops=True):
    """For `with portable():` around tracing what shall run without the compiled library: in this thread every
    operator is made of TensorFlow's own, whatever its `impl`.

    Args:
      loops: False lays out their loops step by step, for converters and runtimes that do not take a loop.
        TensorFlow itself would hold several steps in memory at once.
    """
    before = getattr(_portable, "loops", True)
    _portable.depth = getattr(_portable, "depth", 0) + 1
    _portable.loops = before and loops
    try:
        yield
    finally:
        _portable.depth -= 1
        _portable.loops = before


def loops_allowed():
    """Whether a TensorFlow form may trace a loop: not under `portable(loops=False)`."""
    return getattr(_portable, "loops", True)


def instruction_set():
    """The instruction set that the CPU kernels run with here: "baseline", "avx2" or "avx512".

    Raises:
      NativeUnavailableError: the library cannot be loaded.
    """
    library()
    function = ctypes.CDLL(str(library_path())).gfla_instruction_set
    function.restype = ctypes.c_char_p
    return function().decode()


def _load():
    """(module, None) or (None, reason)."""
    with _lock:
        return _loaded()


@functools.cache
def _loaded():
    if _turned_off():
        return None, "GFLA_NATIVE=0 turns them off"
    reason = native_record.refusal(tf.version.VERSION)
    if reason is not None:
        return None, reason
    path = library_path()
    try:
        return tf.load_op_library(str(path)), None
    except (tf.errors.OpError, OSError, RuntimeError) as error:
        return None, f"{path} cannot be loaded: {(str(error).splitlines() or [type(error).__name__])[0]}"


def _preference():
    """Why "auto" passes over a library that could run, as a clause; None where it does not."""
    if not _has_gpu():
        return None
    if not _has_cuda():
        return "there is a GPU and the library has no CUDA kernels; run gfla native build --cuda on"
    if _compat.op_determinism():
        return "its gradients on a GPU are not deterministic, and op determinism is enabled"
    return None


@functools.cache
def _has_gpu():
    return bool(tf.config.list_physical_devices("GPU"))


@functools.cache
def _has_cuda():
    return native_record.read_record(library_path().parent).cuda is not None


def _turned_off():
    return os.environ.get("GFLA_NATIVE") == "0"


def _say_once(operators, reason):
    with _lock:
        if (operators, reason) in _said:
            return
        _said.add((operators, reason))
    level = logging.INFO if _turned_off() else logging.WARNING
    _log.log(level, "%s: the TensorFlow form is used: %s", operators, reason)


def _cannot_run(operator, reason):
    return NativeUnavailableError(f'{operator}(impl="native") cannot run: {reason}; use impl="tf"')
