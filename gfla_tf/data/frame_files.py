"""Numbered frames as PNG files in a folder that appears when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from gfla_tf.data.images import encode_image
from gfla_tf.errors import InputError


def write_frames(frames, video, out) -> int:
    """Writes frames as `<name of the video>_<number>.png` and returns how many there were.

    Args:
      frames: an iterable of (number, uint8 RGB [H, W, 3]) as TensorFlow's tensors.
      video: the path whose name the pictures take.
      out: the folder to make; it may be there if it is empty.

    Raises:
      InputError: the folder holds something, or cannot be written.
    """
    out = Path(os.path.abspath(out))
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"the output {os.fspath(out)!r} is there and not an empty folder: name a new one")
    beside = out.parent / f".{secrets.token_hex(8)}.part"
    count = 0
    try:
        beside.mkdir()
        for number, frame in frames:
            name = f"{Path(video).stem}_{int(number):06}.png"
            (beside / name).write_bytes(encode_image(name, frame.numpy()))
            count += 1
        with contextlib.suppress(FileNotFoundError):
            out.rmdir()
        os.replace(beside, out)
    except OSError as error:
        raise InputError(f"the folder {os.fspath(out)!r} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return count
