"""Frames of a video as a `tf.data.Dataset`, decoded by OpenCV or tensorflow-io, or as PNG files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, new_folder
from gfla_tf.files.names import is_utf8, names_in, other_file, stem
from gfla_tf.images.io import MAX_PIXELS, encode_image

READERS = ("opencv", "tensorflow-io")

_HEAD = 12  # bytes that identify the format
_TURNS = {0: 0, 90: 3, 180: 2, 270: 1}  # degrees clockwise: quarter turns counterclockwise


def video_frames(path: PathLike, reader: str = "opencv") -> tf.data.Dataset:
    """Returns the frames of a video in order, rotated as its metadata specifies.

    The format is MP4, MOV, AVI, Matroska or WebM; it is detected from the content, not from the extension.
    The frames end where the file is damaged.

    Args:
      path: the file.
      reader: "opencv", or "tensorflow-io" (`tfio.IODataset.from_ffmpeg`), which needs FFmpeg 4's shared
        libraries (libavformat.so.58). The frames are the same.

    Returns:
      A dataset of uint8 RGB [H, W, 3]. Each iteration decodes the file once.

    Raises:
      ValueError: another reader.
      InputError: the file is missing, of another format or without a frame that can be decoded; or the
        reader is "tensorflow-io" and it or FFmpeg 4 is not installed.
    """
    if reader not in READERS:
        raise ValueError(f"reader must be one of {', '.join(READERS)}, got {reader!r}")
    path = os.path.abspath(os.fspath(path))
    if not is_utf8(path):
        raise InputError(f"the path of the video {path!r} is not valid UTF-8, which FFmpeg needs: rename it")
    _check_kind(path)
    height, width, turns = _first_frame(path)
    if reader == "opencv":
        signature = tf.TensorSpec((height, width, 3), tf.uint8)
        return tf.data.Dataset.from_generator(lambda: _decoded(path, turns), output_signature=signature)
    frames = _tensorflow_io().IODataset.from_ffmpeg(path, "v:0")
    return frames.map(lambda frame: tf.ensure_shape(tf.image.rot90(frame, turns), (height, width, 3)))


def _check_kind(path: str) -> None:
    """Checks the signature, because FFmpeg would also open playlists of files and URLs."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(f"the video {path!r} cannot be read: {error.strerror}{other_file(path)}") from error
    is_mp4 = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")
    is_avi = head[:4] == b"RIFF" and head[8:] == b"AVI "
    if not (is_mp4 or is_avi or head[:4] == b"\x1a\x45\xdf\xa3"):
        raise InputError(
            f"{path!r} is not an MP4, MOV, AVI, Matroska or WebM file: convert it to one of them"
        )


def _first_frame(path: str) -> tuple[int, int, int]:
    """Returns (H, W) of the rotated frames, and the rotation in quarter turns counterclockwise."""
    capture = _open(path)
    try:
        size = [int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)]
        if size[0] * size[1] > MAX_PIXELS:
            raise InputError(
                f"the video {path!r} has frames of {size[0]} x {size[1]} pixels: reduce it first"
            )
        found, frame = capture.read()
        if not found:
            raise InputError(f"the video {path!r} has no frame that can be decoded")
        turns = _TURNS.get(int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360, 0)
        return *np.rot90(frame, turns).shape[:2], turns
    finally:
        capture.release()


def _open(path: str) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise InputError(f"the video {path!r} is damaged, or has a codec that OpenCV's FFmpeg lacks")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # some versions of OpenCV rotate the frames, some do not
    return capture


def _decoded(path: str, turns: int) -> Iterator[np.ndarray]:
    capture = _open(path)
    try:
        while True:
            found, frame = capture.read()
            if not found:
                return
            yield np.ascontiguousarray(np.rot90(frame, turns)[..., ::-1])
    finally:
        capture.release()


def _tensorflow_io() -> ModuleType:
    try:
        import tensorflow_io
    except ImportError as error:
        raise InputError(
            "the reader tensorflow-io requires tensorflow-io, which the extra [tf215] installs for Python "
            "3.11: pip install gfla-tf[tf215], or use the reader opencv"
        ) from error
    try:
        from tensorflow_io.python.ops import ffmpeg_ops  # noqa: F401
    except NotImplementedError as error:
        raise InputError(
            "tensorflow-io decodes video with FFmpeg 4, whose libraries (libavformat.so.58 etc.) are not "
            "installed: install them, or use the reader opencv"
        ) from error
    return tensorflow_io


def write_frames(frames: Iterable[tuple[int, tf.Tensor]], video: PathLike, out: PathLike) -> int:
    """Writes frames as `<name of the video>_<number>.png` into a new folder.

    Args:
      frames: an iterable of (number, uint8 RGB tensor [H, W, 3]).
      video: the path of the video, from which the images take their names.
      out: the output folder; if it exists, it must be empty.

    Returns:
      The number of images.

    Raises:
      InputError: the folder is not empty or cannot be written.
    """
    out = Path(os.path.abspath(out))
    if os.path.lexists(out) and not (out.is_dir() and not names_in(out)):
        raise InputError(f"the output {os.fspath(out)!r} exists and is not an empty folder: choose a new one")
    if not out.parent.is_dir():
        raise InputError(f"the output {os.fspath(out)!r} cannot be written: there is no folder {out.parent}")
    count = 0
    with new_folder(out) as folder:
        for number, frame in frames:
            name = f"{stem(video)}_{int(number):06}.png"
            (folder / name).write_bytes(encode_image(name, frame.numpy()))
            count += 1
    return count
