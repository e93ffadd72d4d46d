"""One image of a prepared folder: read, resized, stored, and recognised when it is there already."""

from __future__ import annotations

import os

import numpy as np

from gfla_tf.data.protocol import Protocol
from gfla_tf.errors import InputError
from gfla_tf.files import write_files
from gfla_tf.images.header import HeaderError, read_header
from gfla_tf.images.io import MAX_BYTES, encode_image, read_file, read_image
from gfla_tf.images.resize import resize

_FRAME_WIDTH = 176 / 256  # of a square low-resolution image: its middle, without the borders
MADE, KEPT = "made", "kept"


class UnreadableError(InputError):
    """The sentence of an image of the source that cannot be read; the others still can."""


def prepare_image(source: str, target: str, protocol: Protocol) -> str:
    """Makes `target` of `source`, unless it is there, whole and of the protocol's size and format.

    Returns:
      `MADE` or `KEPT`.

    Raises:
      UnreadableError: the source is no image or damaged.
      InputError: the target cannot be written.
    """
    if _is_finished(target, protocol):
        return KEPT
    try:
        rgb = read_image(source)
    except InputError as error:
        raise UnreadableError(str(error)) from error
    if protocol.source == "img":
        rgb = cut_borders(rgb)
    rgb = resize(rgb, protocol.image_size, protocol.interpolation)
    write_files({target: encode_image(target, rgb, protocol.quality or 95)}, force=True)
    return MADE


def cut_borders(rgb: np.ndarray) -> np.ndarray:
    """The middle of a square low-resolution image, 256 x 176 (h x w) of 256 x 256: the keypoints' frame.

    An image that is not square has lost its borders already and passes unchanged.
    """
    height, width = rgb.shape[:2]
    if height != width:
        return rgb
    kept = round(width * _FRAME_WIDTH)
    left = (width - kept) // 2
    return np.ascontiguousarray(rgb[:, left : left + kept])


def _is_finished(path: str, protocol: Protocol) -> bool:
    if not os.path.lexists(path):
        return False
    try:
        header = read_header(read_file(path, MAX_BYTES, "image"))
    except (HeaderError, InputError):
        return False
    return (header.format.lower(), header.height, header.width) == (protocol.format, *protocol.image_size)
