"""Small image files of unusual kinds."""

import struct
import zlib

import cv2
import numpy as np


def gradient(height: int, width: int) -> np.ndarray:
    """A smooth uint8 RGB image."""
    y, x = np.mgrid[:height, :width]
    channels = (x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1), 255 - x * 127 / max(width - 1, 1))
    return np.stack(channels, -1).astype(np.uint8)


def png(color_type: int, depth: int, rows, declared=None) -> bytes:
    """A PNG of raw rows (bytes each, unfiltered); `declared` = (height, width) in its header."""
    height, width = declared
    lines = b"".join(b"\0" + bytes(row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def palette_png(height: int, width: int) -> bytes:
    """A PNG of four colors, of which the second is half transparent and the third wholly."""
    row = bytes(column % 4 for column in range(width))
    plain = png(3, 8, [row] * height, (height, width))
    palette = _chunk(b"PLTE", bytes(range(10, 130, 10))) + _chunk(b"tRNS", b"\xff\x80\0")
    return plain[:33] + palette + plain[33:]


def huge_jpeg() -> bytes:
    """A small JPEG that declares 60,000 x 60,000 pixels."""
    data = jpeg(gradient(16, 16))
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", 60000, 60000) + data[at + 4 :]


def huge_png() -> bytes:
    """A few hundred bytes that declare 20,000 x 20,000 pixels."""
    return png(2, 8, [b"\0" * 60], declared=(20000, 20000))


def huge_bmp() -> bytes:
    """A small BMP that declares 20,000 x 20,000 pixels."""
    data = cv2.imencode(".bmp", gradient(16, 16))[1].tobytes()
    return data[:18] + struct.pack("<ii", 20000, 20000) + data[26:]


def huge_webp(side: int) -> bytes:
    """A small WebP with a canvas of `side` x `side` pixels."""
    image = cv2.imencode(".webp", gradient(16, 16), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()[12:]
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + (side - 1).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 4 + len(canvas + image)) + b"WEBP" + canvas + image


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
