"""`gfla --version`: installed versions, as needed in a bug report, without importing the packages."""

import os
import platform
import re
from importlib import metadata

from gfla_tf._version import __version__
from gfla_tf.native import record as native_record

_PACKAGES = {
    "TensorFlow": ("tensorflow", "tensorflow-cpu", "tf-nightly"),
    "Keras": ("keras", "keras-nightly"),
    "NumPy": ("numpy",),
}


def version_text():
    """Returns one line each for gfla_tf, Python, TensorFlow, Keras, NumPy and the compiled operators."""
    versions = {name: _installed(names) for name, names in _PACKAGES.items()}
    lines = [f"gfla_tf {__version__}", f"Python {platform.python_version()}"]
    lines += [f"{name} {version or 'is not installed'}" for name, version in versions.items()]
    return "\n".join([*lines, f"compiled operators {_operators(versions['TensorFlow'])}"])


def _installed(names):
    """The version of the first installed package of these names, or None."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _operators(tensorflow):
    """The state of the compiled library as far as it is known without loading it."""
    if tensorflow is None:
        return "cannot run: TensorFlow is not installed"
    if os.environ.get("GFLA_NATIVE") == "0":
        return "cannot run: GFLA_NATIVE=0 disables them"
    version = _tensorflow_version(tensorflow)
    reason = native_record.refusal(version)
    if reason is not None:
        return f"cannot run: {reason}"
    record = native_record.read_record(native_record.library_folder(version))
    cuda = f", CUDA {record.cuda}" if record.cuda else ""
    return f"available: {', '.join(record.instruction_sets)}{cuda}, by {record.compiler}"


def _tensorflow_version(version):
    """Converts a package version to tf.version.VERSION: 2.22.0rc1 to 2.22.0-rc1, 2.15.0+nv23.11 to 2.15.0."""
    return re.sub(r"\.?(a|b|rc|dev)(\d+)$", r"-\1\2", version.partition("+")[0])
