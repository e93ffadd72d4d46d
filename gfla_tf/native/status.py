"""The status of the compiled operators, printed by `gfla native status`."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.native import record as native_record


def native_status() -> dict[str, Any]:
    """Returns the status of the compiled operators in this process as a dict that can be written as JSON.

    Its keys:
      available: whether the compiled operators are available.
      reason: why they are not, or None.
      operators: {operator: {"implementation": "native" or "tf", "reason": None or why "tf" is used}}, the
        results of impl="auto".
      library: path of the library, whether it exists or not.
      build: its build record, or None.
      tensorflow: version of TensorFlow.
      threads, gpus: numbers of CPU threads and GPUs.
      instruction_set: instruction set of the CPU kernels, or None if the library is not available.
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


def status_text(status: dict[str, Any]) -> str:
    """Formats the result of `native_status` as text."""
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
