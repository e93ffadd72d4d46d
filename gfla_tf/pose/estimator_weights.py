"""Files of the pose estimator's network: search in the caches, reading, and download on request.

The network is RTMO (Lu et al., CVPR 2024; Apache-2.0) as an ONNX file. It is downloaded only on request, and
without `keras.utils.get_file`, which would import TensorFlow and has neither a timeout nor a size limit.
"""

from __future__ import annotations

import glob
import hashlib
import http.client
import io
import os
import urllib.request
import zipfile
import zlib
from collections.abc import Callable

from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, write_files
from gfla_tf.files.names import is_system_file
from gfla_tf.images.io import read_file

MODEL_NAME = "rtmo-m.onnx"
MODEL_URL = (
    "https://huggingface.co/Xenova/RTMO-m/resolve/3aba1280472b98ee2bf663482e27e243038d23fe/onnx/model.onnx"
)
MODEL_BYTES = 89_291_929
MODEL_SHA256 = "76d82c45e5c4810baf587ecf2638d15cbf7ed196afb2055e977382532021b59e"
"""RTMO-m at 640 x 640, trained on seven datasets, from OpenMMLab's checkpoint."""

MAX_MODEL_BYTES = 2**30
_TIMEOUT_SECONDS = 20
_CHUNK = 2**20


def cache_folder() -> str:
    """Returns `$XDG_CACHE_HOME/gfla_tf`, by default `~/.cache/gfla_tf`."""
    return os.path.join(_cache_home(), "gfla_tf")


def find_pose_model(path: PathLike | None = None) -> str:
    """Returns the path of the pose estimator's network.

    Args:
      path: an RTMO network, `.onnx`, or OpenMMLab's `.zip`; by default an `rtmo-*.onnx` or `rtmo-*.zip` in
        the cache of this library or of rtmlib.

    Raises:
      InputError: no path is given and no network is cached; the message contains the URL and the cache path.
    """
    if path is not None:
        return os.fspath(path)
    rtmlib = os.environ.get("TORCH_HOME") or os.path.join(_cache_home(), "rtmlib")
    for folder in (cache_folder(), os.path.join(os.path.expanduser(rtmlib), "hub", "checkpoints")):
        found = sorted(
            name
            for ending in ("onnx", "zip")
            for name in glob.glob(os.path.join(glob.escape(folder), f"rtmo-*.{ending}"))
            if "crowdpose" not in name
        )
        if found:
            return found[0]
    raise InputError(
        f"no pose model is installed: run 'gfla pose --download' ({MODEL_BYTES / 1e6:.0f} MB, Apache-2.0), "
        f"or download {MODEL_URL} to {os.path.join(cache_folder(), MODEL_NAME)!r}, or pass --pose-model FILE"
    )


def read_pose_model(path: str) -> bytes:
    """Reads a network's file, `.onnx` or a `.zip` with one ONNX file, and returns the ONNX bytes.

    Raises:
      InputError: missing, too large, or an archive without an ONNX file.
    """
    data = read_file(path, MAX_MODEL_BYTES, "pose model")
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not is_system_file(entry.filename)]
            inside = [entry for entry in entries if entry.filename.endswith(".onnx")]
            if len(inside) != 1 or inside[0].file_size > MAX_MODEL_BYTES:
                raise InputError(
                    f"the pose model {path!r} is an archive with {len(inside)} ONNX files of a usable size: "
                    "give one .onnx file"
                )
            return archive.read(inside[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(f"the pose model {path!r} is a damaged archive: download it again") from error


def download_pose_model(progress: Callable[[int, int], None] | None = None) -> str:
    """Downloads the default network to the cache, unless it is cached, and returns its path.

    Args:
      progress: called as progress(bytes done, all bytes).

    Raises:
      InputError: no connection, no data for 20 seconds, a wrong hash, or the cache cannot be written.
    """
    path = os.path.join(cache_folder(), MODEL_NAME)
    if os.path.isfile(path):
        return path
    try:
        os.makedirs(cache_folder(), exist_ok=True)
    except OSError as error:
        raise InputError(f"the cache {cache_folder()!r} cannot be created: {error.strerror}") from error
    remedy = f"download it by other means to {path!r}"
    try:
        data = _fetch(progress)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(f"{MODEL_URL} cannot be downloaded ({reason}): {remedy}") from error
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise InputError(
            f"{MODEL_URL} returned {len(data):,} bytes that are not the published file: {remedy}"
        )
    write_files({path: data})
    return path


def _fetch(progress: Callable[[int, int], None] | None) -> bytes:
    """Downloads the file, but at most one byte more than its published size."""
    parts, done = [], 0
    with urllib.request.urlopen(MODEL_URL, timeout=_TIMEOUT_SECONDS) as answer:
        while done <= MODEL_BYTES and (part := answer.read(min(_CHUNK, MODEL_BYTES + 1 - done))):
            parts.append(part)
            done += len(part)
            if progress:
                progress(min(done, MODEL_BYTES), MODEL_BYTES)
    return b"".join(parts)


def _cache_home() -> str:
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
