"""Where the pose estimator's network lies: a file that was named, the cache, a download that was asked for.

The network is RTMO (Lu et al., CVPR 2024; Apache-2.0) as an ONNX file. Nothing is downloaded unasked.
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
from gfla_tf.files import write_files
from gfla_tf.images.io import read_file

MODEL_NAME = "rtmo-m.onnx"
MODEL_URL = (
    "https://huggingface.co/Xenova/RTMO-m/resolve/3aba1280472b98ee2bf663482e27e243038d23fe/onnx/model.onnx"
)
MODEL_BYTES = 89_291_929
MODEL_SHA256 = "76d82c45e5c4810baf587ecf2638d15cbf7ed196afb2055e977382532021b59e"
"""RTMO-m at 640 x 640, trained on seven data sets, from OpenMMLab's checkpoint."""

MAX_MODEL_BYTES = 2**30
_SECONDS_OF_SILENCE = 20
_CHUNK = 2**20


def cache_folder() -> str:
    """`$XDG_CACHE_HOME/gfla_tf`, or `~/.cache/gfla_tf`."""
    return os.path.join(_cache_home(), "gfla_tf")


def find_pose_model(path=None) -> str:
    """The path of the pose estimator's network.

    Args:
      path: an RTMO network, `.onnx`, or the `.zip` that OpenMMLab hands out; None: an `rtmo-*.onnx` or
        `rtmo-*.zip` in the cache of this library, or in that of rtmlib.

    Raises:
      InputError: None was named and none is cached; the sentence says where to get one and where to put it.
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
        f"there is no pose model yet: 'gfla pose --download' fetches one ({MODEL_BYTES / 1e6:.0f} MB, "
        f"Apache-2.0); or get {MODEL_URL} and put it at {os.path.join(cache_folder(), MODEL_NAME)!r}, or "
        "name it with --pose-model FILE"
    )


def read_pose_model(path: str) -> bytes:
    """The ONNX bytes of a network's file, taken out of its `.zip` where it is one.

    Raises:
      InputError: missing, too large, or an archive without an ONNX file.
    """
    data = read_file(path, MAX_MODEL_BYTES, "pose model")
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [entry for entry in archive.infolist() if entry.filename.endswith(".onnx")]
            if len(inside) != 1 or inside[0].file_size > MAX_MODEL_BYTES:
                raise InputError(
                    f"the pose model {path!r} is an archive with {len(inside)} ONNX files of a usable size: "
                    "name one .onnx file"
                )
            return archive.read(inside[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(f"the pose model {path!r} is a damaged archive: get it again") from error


def download_pose_model(progress: Callable[[int, int], None] | None = None) -> str:
    """Downloads the default network into the cache, unless it is there, and returns its path.

    Args:
      progress: called with the bytes that are there and those there will be.

    Raises:
      InputError: no connection, silence for 20 seconds, another file than expected, or no place for it.
    """
    path = os.path.join(cache_folder(), MODEL_NAME)
    if os.path.isfile(path):
        return path
    try:
        os.makedirs(cache_folder(), exist_ok=True)
    except OSError as error:
        raise InputError(f"the cache {cache_folder()!r} cannot be made: {error.strerror}") from error
    elsewhere = f"get it by other means and put it at {path!r}"
    try:
        data = _fetch(progress)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(f"{MODEL_URL} cannot be downloaded ({reason}): {elsewhere}") from error
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise InputError(
            f"{MODEL_URL} gave {len(data):,} bytes that are not the file that was published: {elsewhere}"
        )
    write_files({path: data})
    return path


def _fetch(progress) -> bytes:
    """At most one byte more than the file should have."""
    parts, done = [], 0
    with urllib.request.urlopen(MODEL_URL, timeout=_SECONDS_OF_SILENCE) as answer:
        while done <= MODEL_BYTES and (part := answer.read(min(_CHUNK, MODEL_BYTES + 1 - done))):
            parts.append(part)
            done += len(part)
            if progress:
                progress(min(done, MODEL_BYTES), MODEL_BYTES)
    return b"".join(parts)


def _cache_home() -> str:
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
