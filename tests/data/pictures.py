"""Small image files in every awkward kind, made byte by byte."""

import struct
import zlib

import cv2
import numpy as np


def gradient(height: int, width: int) -> np.ndarray:
    """A smooth uint8 RGB picture."""
    y, x = np.mgrid[:height, :width]
    channels = (x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1), 255 - x * 127 / max(width - 1, 1))
    return np.stack(channels, -1).astype(np.uint8)


def png(colour_type: int, depth: int, rows, declared=None) -> bytes:
    """A PNG of raw rows (bytes each, unfiltered); `declared` = (height, width) in its header."""
    height, width = declared
    lines = b"".join(b"\0" + bytes(row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png() -> bytes:
    """A few hundred bytes that declare 20,000 x 20,000 pixels."""
    return png(2, 8, [b"\0" * 60], declared=(20000, 20000))


def jpeg(rgb: np.ndarray, orientation: int | None = None) -> bytes:
    """A JPEG, with an EXIF orientation on request."""
    data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    if orientation is None:
        return data
    exif = (
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"
        + struct.pack(">HH", orientation, 0)
        + b"\0" * 4
    )
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
