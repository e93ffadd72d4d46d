"""What an image file says of itself, before anything is decoded: format, size, and whether it is complete.

A decoder trusts the header and allocates what it declares, and a JPEG decoder paints what is missing in grey.
These few parsers refuse both beforehand. They read bytes and import nothing.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

SUPPORTED = "PNG, JPEG, WebP or BMP"


class HeaderError(ValueError):
    """What is wrong with an image file, as the rest of a sentence that starts with the file's name."""


@dataclass(frozen=True)
class ImageHeader:
    """What the header declares; `width` and `height` are in pixels, before any EXIF rotation."""

    format: str
    width: int
    height: int


def read_header(data: bytes) -> ImageHeader:
    """Reads the header of a whole image file and checks that the file does not end early.

    Raises:
      HeaderError: empty, not one of the supported formats, a damaged header, or truncated.
    """
    if not data:
        raise HeaderError("is empty")
    for magic, parse in _PARSERS:
        if magic.match(data):
            try:
                header = parse(data)
            except (struct.error, IndexError) as error:
                raise HeaderError("ends inside its header (truncated?)") from error
            if header.width < 1 or header.height < 1:
                raise HeaderError(f"declares a size of {header.width} x {header.height} pixels")
            return header
    for magic, name in _UNSUPPORTED:
        if magic.match(data):
            raise HeaderError(f"is a {name} file, which is not supported: convert it to {SUPPORTED}")
    raise HeaderError(f"is not a {SUPPORTED} image, whatever its name says")


def _png(data: bytes) -> ImageHeader:
    if data[12:16] != b"IHDR":
        raise HeaderError("is a PNG file without a header chunk (damaged?)")
    width, height = struct.unpack(">II", data[16:24])
    position, seen = 8, None
    while seen != b"IEND":
        length, seen = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise HeaderError("is a truncated PNG file: it ends inside a chunk")
        if zlib.crc32(data[position + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise HeaderError(f"is a damaged PNG file: the checksum of its chunk {seen!r} is wrong")
        position = end
        if position >= len(data) and seen != b"IEND":
            raise HeaderError("is a truncated PNG file: its end is missing")
    return ImageHeader("PNG", width, height)


_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15 without DHT, JPG and DAC
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # ends entropy-coded data


def _jpeg(data: bytes) -> ImageHeader:
    frame, components, adobe, position = None, 0, False, 2
    while True:
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            raise HeaderError("is a truncated JPEG file: its end is missing")
        marker, position = data[found.start() + 1], found.end()
        if marker == 0xD9:
            break
        if marker == 0x01:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _JPEG_FRAMES and frame is not None:
            raise HeaderError("is a JPEG file that declares its size twice (damaged?)")
        if marker in _JPEG_FRAMES:
            height, width, components = struct.unpack_from(">HHB", data, position + 3)
            frame = ImageHeader("JPEG", width, height)
        adobe = adobe or (marker == 0xEE and data[position + 2 : position + 7] == b"Adobe")
        position += length
    if frame is None:
        raise HeaderError("is a JPEG file without a picture (damaged?)")
    if components == 4 and not adobe:
        raise HeaderError("is a CMYK JPEG without Adobe's marker, so its inks are ambiguous: save it as RGB")
    return frame


def _bmp(data: bytes) -> ImageHeader:
    size, _, _, start, header = struct.unpack_from("<IHHII", data, 2)
    if header == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    if len(data) < max(size, start):
        raise HeaderError("is a truncated BMP file: it is shorter than it says")
    return ImageHeader("BMP", width, abs(height))


def _webp(data: bytes) -> ImageHeader:
    if len(data) < struct.unpack_from("<I", data, 4)[0] + 8:
        raise HeaderError("is a truncated WebP file: it is shorter than it says")
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise HeaderError("is a WebP file of an unknown kind (damaged?)")
    return ImageHeader("WebP", width, height)


_PARSERS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), _bmp),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _webp),
)

_UNSUPPORTED = (
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
    (re.compile(rb".{4}ftyp(heic|heix|mif1|hevc)", re.DOTALL), "HEIC"),
    (re.compile(rb".{4}ftypavif", re.DOTALL), "AVIF"),
    (re.compile(rb"%PDF-"), "PDF"),
)
