"""Detection of a file's format by its content, with clear errors for common wrong files."""

from __future__ import annotations

import os
import stat
import tarfile

from gfla_tf.errors import InputError
from gfla_tf.files.names import other_file
from gfla_tf.weight_files.archives import MAX_BYTES, entries

TORCH, LEGACY_TORCH = "PyTorch's zip format", "PyTorch's format before 1.6"
NPZ, KERAS = ".npz", ".keras"

_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_HEAD_BYTES = 512
_DOWNLOAD = "the download returned a page instead of the file, download it manually"
_OTHERS = (  # (offset, magic bytes, description)
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"\x89HDF\r\n", "an HDF5 file"),
    (0, b"\x93NUMPY", "a single NumPy array"),
    (0, b"version https://git-lfs", "a Git LFS pointer: fetch the file with `git lfs pull`"),
    (0, b"\x1f\x8b", "a gzip archive: extract it first"),
    (0, b"7z\xbc\xaf", "a 7z archive: extract it first"),
    (0, b"Rar!", "a RAR archive: extract it first"),
    (257, b"ustar", "a tar archive: extract it first"),
    (8, b'{"', "a safetensors file: save the tensors with PyTorch or as an .npz first"),
    (0, b"\x80", "a pickle without a state dict"),
)


def kind_of(path: str | os.PathLike) -> str:
    """Returns the format of a file: `TORCH`, `LEGACY_TORCH`, `NPZ` or `KERAS`.

    Raises:
      InputError: The file does not exist, is too large, or has another format, which the message names.
    """
    path = os.fspath(path)
    try:
        status = os.stat(path)
        head = b""
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}{other_file(path)}") from error
    except ValueError as error:
        raise InputError(f"{path!r} is not a valid file name") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not a file")
    if status.st_size > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES} bytes, more than any supported network")
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(path)
    if head.startswith(_LEGACY_MAGIC) and not tarfile.is_tarfile(path):
        return LEGACY_TORCH
    raise InputError(f"{path} {_describe(head)}")


def _kind_of_archive(path):
    names = [entry.filename for entry in entries(path)]
    leaves = {name.rsplit("/", 1)[-1] for name in names}
    if "constants.pkl" in leaves:
        raise InputError(
            f"{path} is a TorchScript program, not a state dict: save the network's state_dict()"
        )
    if "data.pkl" in leaves:
        return TORCH
    if {"config.json", "model.weights.h5"} <= set(names):
        return KERAS
    if all(name.endswith(".npy") for name in names):
        return NPZ
    inside = [name for name in names if name.endswith((".pth", ".pt", ".npz", ".keras"))]
    hint = f": extract it and give {', '.join(inside[:5])}" if inside else ""
    raise InputError(f"{path} is a zip archive without weights{hint}")


def _describe(head):
    if not head:
        return "is empty"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return f"is a web page: {_DOWNLOAD}"
    for offset, magic, name in _OTHERS:
        if head[offset:].startswith(magic):
            return f"is {name}" if ":" in name else f"is {name}, not a weight file"
    return "is not a supported weight file: a PyTorch state dict (.pth), .npz or .keras"
