"""The environment of a measurement, which every benchmark prints first."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import keras
import tensorflow as tf

from gfla_tf.native import loader as native


def environment() -> dict[str, str]:
    """Versions, processor, devices, and whether the compiled operators run in this process."""
    reason = native.unavailable_reason()
    return {
        "TensorFlow": tf.version.VERSION,
        "Keras": keras.__version__,
        "processor": f"{_processor()}, {cores()} cores",
        "GPUs": str(len(tf.config.list_physical_devices("GPU"))),
        "TensorFlow Addons": _addons(),
        "compiled operators": f"no: {reason}" if reason else f"for {native.instruction_set()}",
    }


def cores() -> int:
    """The number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _addons():
    try:
        return metadata.version("tensorflow-addons")
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
