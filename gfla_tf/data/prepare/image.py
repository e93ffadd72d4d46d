"""Preparation of one image: reading, resizing, storing, and skipping of finished images."""

from __future__ import annotations

import os

import numpy as np

from gfla_tf.data.protocol import Protocol
from gfla_tf.errors import InputError
from gfla_tf.files import write_files
from gfla_tf.images.header import HeaderError, read_header
from gfla_tf.images.io import MAX_BYTES, encode_image, read_file, read_image
from gfla_tf.images.resize import resize

_FRAME_WIDTH = 176 / 256  # fraction of a square low-resolution image without its borders
WRITTEN, KEPT = "written", "kept"


class UnreadableError(InputError):
    """An image of the source cannot be read; the preparation of the others continues."""


def prepare_image(source: str, target: str, protocol: Protocol) -> str:
    """Prepares one image, unless a complete target of the protocol's size and format exists.

    Args:
      source: path of the original image.
      target: path of the prepared image.
      protocol: how to prepare it.

    Returns:
      `WRITTEN` or `KEPT`.

    Raises:
      UnreadableError: the source is not an image or is damaged.
      InputError: the target cannot be written.
    """
    if _is_finished(target, protocol):
        return KEPT
    try:
        rgb = read_image(source)
    except InputError as error:
        raise UnreadableError(str(error)) from error
    if protocol.source == "img":
        rgb = crop_borders(rgb)
    rgb = resize(rgb, protocol.image_size, protocol.interpolation)
    write_files({target: encode_image(target, rgb, protocol.quality or 95)}, force=True)
    return WRITTEN


def crop_borders(rgb: np.ndarray) -> np.ndarray:
    """Crops a square low-resolution image to the keypoints' frame, 256 x 176 (h x w) of 256 x 256 pixels.

    Images that are not square have no borders and are returned unchanged.
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
