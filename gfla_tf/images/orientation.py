"""The EXIF orientation of image files: how the stored pixels have to be turned.

It is read from the first EXIF block: the APP1 segment "Exif" of JPEG, the chunk eXIf of PNG, the chunk EXIF
of WebP. Orientations in XMP and in text chunks of PNG are ignored, as by web browsers. A damaged block, or a
value other than 1 to 8, means that the pixels are stored upright. `gfla_tf.export.file_orientation` follows
the same rules inside a graph.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from gfla_tf.images.containers import jpeg_segments, png_chunks, webp_chunks

EXIF = b"Exif\0\0"
"""What precedes the block in JPEG files, and in those of other formats that some programs write."""
TAG = 0x0112
VALUE_BYTES = {3: 2, 4: 4}
"""{type of the value: its length}: SHORT, as the standard requires, and LONG."""
_ORDERS = {b"II*\0": "little", b"MM\0*": "big"}
_CHUNKS = {"PNG": (png_chunks, b"eXIf"), "WebP": (webp_chunks, b"EXIF"), "JPEG": (jpeg_segments, b"\xe1")}
_NOT_EXIF = frozenset({"xmp", "XML:com.adobe.xmp", "Raw profile type exif"})  # where Pillow looks as well


def file_orientation(format: str, data: bytes) -> int:
    """Returns the orientation of an image file, 1 to 8; 1 means that the pixels are stored upright.

    Args:
      format: "PNG", "JPEG", "WebP" or "BMP" (which has no orientation).
      data: the content of the file.

    Raises:
      ValueError: the file consists of too many parts, see `gfla_tf.images.containers`.
    """
    if format not in _CHUNKS:
        return 1
    parts, wanted = _CHUNKS[format]
    for name, begin, end in parts(data):
        if name == wanted and (format != "JPEG" or data.startswith(EXIF, begin, end)):
            return block_orientation(data[begin:end])
    return 1


def block_orientation(block: bytes) -> int:
    """Returns the orientation in an EXIF block, 1 to 8; 1 if it contains none or is damaged."""
    block = block.removeprefix(EXIF)
    order = _ORDERS.get(block[:4])
    if order is None:
        return 1

    def number(at, length):
        return int.from_bytes(block[at : at + length], order)

    first = number(4, 4) + 2
    entries = min(number(first - 2, 2), (len(block) - first) // 12)
    for at in range(first, first + 12 * entries, 12):
        if number(at, 2) == TAG:
            length = VALUE_BYTES.get(number(at + 2, 2), 0)
            value = number(at + 8, length) if number(at + 4, 4) == 1 else 1
            return value if 1 <= value <= 8 else 1
    return 1


def pillow_orientation(image: Image.Image) -> int:
    """Returns the orientation of a Pillow image, 1 to 8, by the rules of this module."""
    image.load()  # the EXIF block may follow the pixels of a PNG; Pillow turns TIFF images itself
    block = image.info.get("exif")
    if isinstance(block, bytes):
        return block_orientation(block)
    if not _NOT_EXIF.isdisjoint(image.info):
        return 1
    value = image.getexif().get(TAG, 1)
    return value if value in range(1, 9) else 1


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turns stored pixels [h, w, ...] upright; a view for orientation 1, otherwise a contiguous copy."""
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    rows, columns = flipped_axes(orientation)
    return np.ascontiguousarray(pixels[:: -1 if rows else 1, :: -1 if columns else 1])


def flipped_axes(orientation: int) -> tuple[bool, bool]:
    """Whether an orientation reverses the order of (rows, columns), after the transposition of 5 to 8."""
    return orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
