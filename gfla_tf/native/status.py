"""What `gfla native status` tells: which implementation runs, why, and what the library was built with."""

import dataclasses
import os

import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.native import record as native_record


def native_status():
    """The state of the compiled operators in this process, as a dict that JSON can hold.

    "operators" maps each name to what impl="auto" gives ("native" or "tf") and the reason (None for
    "native"); "library" is the path where it lies or would lie; "build" is its record or None;
    "instruction_set" is None unless the library is loaded.
    """
    try:
        record = dataclasses.asdict(native_record.read_record(native.library_path().parent))
    except (OSError, ValueError):
        record = None
    operators = {}
    for operator in native.OPERATORS:
        implementation, reason = native.automatic(operator)
        operators[operator] = {"implementation": implementation, "reason": reason}
    available = native.native_available()
    return {
        "available": available,
        "reason": native.unavailable_reason(),
        "operators": operators,
        "library": str(native.library_path()),
        "build": record,
        "tensorflow": tf.version.VERSION,
        "threads": tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count(),
        "gpus": len(tf.config.list_physical_devices("GPU")),
        "instruction_set": native.instruction_set() if available else None,
    }


def status_text(status):
    """The dict of `native_status` as lines for people."""
    rows = [("library", status["library"])]
    build = status["build"]
    if build:
        cuda = "without CUDA kernels"
        if build["cuda"]:
            cuda = f"with CUDA {build['cuda']} kernels for {', '.join(build['cuda_architectures'])}"
        rows.append(("built", f"for TensorFlow {build['tensorflow']}, by {build['compiler']}, {cuda}"))
    runs = f"TensorFlow {status['tensorflow']}, {status['threads']} threads, {status['gpus']} GPUs"
    if status["instruction_set"]:
        runs += f", instruction set {status['instruction_set']}"
    rows.append(("running", runs))
    for operator, used in status["operators"].items():
        because = f": {used['reason']}" if used["reason"] else ""
        rows.append((operator, used["implementation"] + because))
    return "\n".join(f"{name:<16} {text}" for name, text in rows)
