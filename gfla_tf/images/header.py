"""Checks of an image file before it is decoded: format, declared size and completeness."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_PIXELS = 64_000_000

_JPEG = b"\xff\xd8\xff"
_SUPPORTED = "PNG, JPEG, WebP or BMP"
_READERS = (
    (b"\x89PNG\r\n\x1a\n", "PNG", PngImageFile),
    (b"RIFF", "WebP", WebPImageFile),
    (b"BM", "BMP", BmpImageFile),
)
_UNSUPPORTED = (
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
    (re.compile(rb".{4}ftyp(heic|heix|mif1|hevc)", re.DOTALL), "HEIC"),
    (re.compile(rb".{4}ftypavif", re.DOTALL), "AVIF"),
    (re.compile(rb"%PDF-"), "PDF"),
)
PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""The exceptions that Pillow raises on damaged files."""

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15 without DHT, JPG and DAC
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # ends entropy-coded data


class HeaderError(ValueError):
    """The fault of an image file, as a sentence without its subject (the name of the file)."""


@dataclass(frozen=True)
class ImageHeader:
    """Format ("PNG", "JPEG", "WebP" or "BMP") and size in pixels, before any EXIF rotation."""

    format: str
    width: int
    height: int


def read_header(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """Reads the header of an image file and checks that the file is complete.

    The segments of JPEG files are read here, because Pillow would have to decode a file to find out whether
    it is complete. Pillow reads the headers and checksums of the other formats.

    Args:
      data: the content of the file.
      max_pixels: the largest accepted product of width and height.

    Raises:
      HeaderError: empty, of an unsupported format, damaged, truncated or too large.
    """
    if data.startswith(_JPEG):
        header = _read_jpeg(data)
    else:
        format, image = open_image(data)
        header = ImageHeader(format, *image.size)
    width, height = header.width, header.height
    if width < 1 or height < 1:
        raise HeaderError(f"declares a size of {width} x {height} pixels")
    if width * height > max_pixels:
        raise HeaderError(
            f"declares {width} x {height} pixels, more than the {max_pixels:,} that are accepted: reduce it "
            "first"
        )
    try:
        if header.format == "PNG":
            image.verify()
        elif header.format == "BMP":
            image.load()
    except PILLOW_ERRORS as error:
        raise HeaderError(f"is a truncated or damaged {header.format} file ({_one_line(error)})") from error
    return header


def open_image(data: bytes) -> tuple[str, ImageFile]:
    """Opens a PNG, WebP or BMP file with Pillow, without decoding it or checking its size.

    Returns:
      The format, as in `ImageHeader`, and the image.

    Raises:
      HeaderError: empty, of an unsupported format or with a damaged header.
    """
    if not data:
        raise HeaderError("is empty")
    for signature, format, reader in _READERS:
        if not data.startswith(signature):
            continue
        try:
            return format, reader(io.BytesIO(data))
        except Image.DecompressionBombError as error:
            raise HeaderError("declares too many pixels: reduce it first") from error
        except PILLOW_ERRORS as error:
            raise HeaderError(f"has no valid {format} header (truncated or damaged?)") from error
    for signature, format in _UNSUPPORTED:
        if signature.match(data):
            raise HeaderError(f"is a {format} file, which is not supported: convert it to {_SUPPORTED}")
    raise HeaderError(f"is not a {_SUPPORTED} image, whatever its extension")


def _read_jpeg(data: bytes) -> ImageHeader:
    """Reads the segments of a JPEG file, and checks that it has one size and an end."""
    header, components, adobe, position = None, 0, False, 2
    while (found := _JPEG_MARKER.search(data, position)) is not None:
        marker, position = data[found.start() + 1], found.end()
        if marker == 0xD9:
            break
        if marker in _JPEG_SIZES and header is not None:
            raise HeaderError("is a damaged JPEG file: it declares its size twice")
        if marker in _JPEG_SIZES:
            height, width, components = struct.unpack(
                ">HHB", data[position + 3 : position + 8].ljust(5, b"\0")
            )
            header = ImageHeader("JPEG", width, height)
        adobe = adobe or (marker == 0xEE and data[position + 2 : position + 7] == b"Adobe")
        if marker != 0x01:
            position += int.from_bytes(data[position : position + 2], "big")
    else:
        raise HeaderError("is a truncated JPEG file: its end is missing")
    if header is None:
        raise HeaderError("is a damaged JPEG file: it contains no image")
    if components == 4 and not adobe:
        raise HeaderError(
            "is a CMYK JPEG without the Adobe marker, so its inks are ambiguous: save it as RGB"
        )
    return header


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
