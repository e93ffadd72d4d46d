"""HDF5 files of a few kilobytes that declare gigabytes, refer to other files, or name one object twice."""

from __future__ import annotations

import h5py
import numpy as np

_LARGE = 900_000_000  # float32 numbers, 3.6 GB


def _written(change):
    def write(path):
        with h5py.File(path, "w") as file:
            file["vars/0"] = np.ones(3, np.float32)
            change(file)

    return write


def _virtual(file):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", (3,))
    file.create_virtual_dataset("vars/1", layout)


def _groups(file):
    file.create_group("vars/" + "/".join("x" * 50))


def _newer(path):
    with h5py.File(path, "w", libver="latest") as file:
        file["vars/0"] = np.ones(3, np.float32)


HOSTILE = {
    "chunks": _written(lambda file: file.create_dataset("vars/1", (_LARGE,), "f4", chunks=(2**16,))),
    "gzip": _written(lambda file: file.create_dataset("vars/1", (_LARGE,), "f4", compression="gzip")),
    "one chunk": _written(lambda file: file.create_dataset("vars/1", (_LARGE,), "f4", chunks=(_LARGE,))),
    "zeros": _written(
        lambda file: file.create_dataset("vars/1", data=np.zeros(10**6, "f4"), compression="gzip")
    ),
    "not allocated": _written(lambda file: file.create_dataset("vars/1", (_LARGE,), "f4")),
    "2^60 elements": _written(lambda file: file.create_dataset("vars/1", (2**30, 2**30), "f4")),
    "lzf": _written(lambda file: file.create_dataset("vars/1", data=np.ones(99, "f4"), compression="lzf")),
    "virtual": _written(_virtual),
    "external": _written(
        lambda file: file.create_dataset("vars/1", (3,), "f4", external=[("/etc/passwd", 0, 12)])
    ),
    "external link": _written(
        lambda file: file.__setitem__("vars/1", h5py.ExternalLink("/etc/passwd", "/x"))
    ),
    "soft link": _written(lambda file: file.__setitem__("vars/1", h5py.SoftLink("/vars/0"))),
    "hard link": _written(lambda file: file.__setitem__("vars/1", file["vars/0"])),
    "cycle": _written(lambda file: file.__setitem__("vars/up", file["/"])),
    "texts": _written(lambda file: file.__setitem__("vars/1", np.array(["a"], h5py.string_dtype()))),
    "references": _written(lambda file: file.create_dataset("vars/1", (3,), h5py.ref_dtype)),
    "compound": _written(lambda file: file.__setitem__("vars/1", np.zeros(2, [("a", "f4"), ("b", "i4")]))),
    "deep": _written(_groups),
    "newer format": _newer,
}
"""{kind: function that writes such a file to a path}."""
