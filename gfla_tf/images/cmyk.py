"""Decoding of CMYK and YCCK JPEG files with Adobe's marker to RGB."""

from __future__ import annotations

import io

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from gfla_tf.images.blocks import new_rgb, pillow_blocks
from gfla_tf.images.containers import jpeg_segments

_APP1 = b"\xe1"


def decode_cmyk(data: bytes) -> np.ndarray:
    """Decodes a CMYK or YCCK JPEG file that `gfla_tf.images.header.read_header` has accepted.

    Each color is multiplied by black and rounded down, as by TensorFlow; OpenCV and Pillow round otherwise.

    Returns:
      uint8 RGB [h, w, 3] as stored, without its EXIF orientation.
    """
    with JpegImageFile(io.BytesIO(_without_exif(data))) as image:
        rgb = new_rgb(image.height, image.width)
        for rows, block in pillow_blocks(image):
            inks = np.asarray(block)  # [h, w, 4]; Adobe stores the complements
            light = (255 - inks).astype(np.uint16)
            rgb[rows] = light[..., :3] * light[..., 3:] // 255
    return rgb


def _without_exif(data):
    """The file without APP1 segments, of whose faults Pillow warns."""
    content, kept, rest = memoryview(data), [], 2
    for name, begin, end in jpeg_segments(data):
        if name != _APP1:
            kept.append(content[begin - 4 : end])  # with its marker and length
        rest = end
    return b"".join((content[:2], *kept, content[rest:]))
