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


def plain_text_png(length: int) -> bytes:
    """A PNG with text of `length` bytes that is not compressed, as of XMP metadata."""
    plain = png(0, 1, [b"\0"], (1, 1))
    return plain[:33] + _chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + b"x" * length) + plain[33:]


def text_png(chunks: int) -> bytes:
    """A PNG of 16 x 16 pixels with chunks of 7,690 bytes each, which contain 7.9 MB of compressed text."""
    plain = png(2, 8, [bytes(48)] * 16, (16, 16))
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(7_900_000), 9))
    return plain[:33] + text * chunks + plain[33:]


def crumbled_png(chunks: int) -> bytes:
    """A PNG of 16 x 16 pixels with empty chunks in front of its image."""
    plain = png(2, 8, [bytes(48)] * 16, (16, 16))
    return plain[:33] + _chunk(b"teSt", b"") * chunks + plain[33:]


def scanned_jpeg(height: int, width: int, scans: int) -> bytes:
    """A progressive JPEG of a gray image, whose last scan is repeated; each processes all its pixels."""
    data = cv2.imencode(".jpg", np.full((16, 16), 200, np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[
        1
    ].tobytes()
    at, last, end = data.index(b"\xff\xc2") + 5, data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    repeated = data[last:end] * (scans - data.count(b"\xff\xda"))
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 : end] + repeated + data[end:]


def crumbled_jpeg(segments: int) -> bytes:
    """A JPEG of 16 x 16 pixels with empty comments in front of its image."""
    data = jpeg(gradient(16, 16))
    return data[:2] + b"\xff\xfe\0\2" * segments + data[2:]


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


def run_length_bmp(height: int, width: int) -> bytes:
    """A BMP whose rows consist of one pixel each; the rest of a row is padded by the decoder."""
    rows = b"\1\0\0\0" * height
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(rows), 0, 0, 1078) + info + bytes(1024) + rows


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
