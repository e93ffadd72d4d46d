"""Checks of an image file before it is decoded: format, declared size, completeness and cost of decoding."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass, replace

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from gfla_tf.images.kinds import jpeg_fault
from gfla_tf.images.limits import (
    KEYWORD_BYTES,
    MAX_PIXELS,
    MAX_SCANS,
    MAX_SIDE,
    MAX_TEXT_BYTES,
    TEXT_CHUNKS,
    max_segments,
    scanned_pixels,
)
from gfla_tf.images.orientation import file_orientation
from gfla_tf.images.png import HEADER, read_colors

_JPEG = b"\xff\xd8\xff"
_PNG = HEADER[:8]
_SUPPORTED = "PNG, JPEG, WebP or BMP"
_READERS = (
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
_RLE_BMP = (1, 2)  # BMP's compression methods of runs
_MAX_RLE_PIXELS = 4_000_000  # Pillow pads each row of runs pixel by pixel, 0.2 s per million
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # ends entropy-coded data


class HeaderError(ValueError):
    """The fault of an image file, as a sentence without its subject (the name of the file)."""


@dataclass(frozen=True)
class ImageHeader:
    """Header of an image file.

    Attributes:
      format: "PNG", "JPEG", "WebP" or "BMP".
      width, height: size of the upright image in pixels.
      orientation: EXIF orientation, 1 to 8; 1 means that the pixels are stored upright.
      components: color components of a JPEG file; 4 means CMYK.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    components: int = 3


def read_header(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """Reads the header of an image file and checks that the file is complete and not too large.

    Memory and time of decoding depend on the declared size, the scans of a JPEG and the compressed text of a
    PNG, not on the length of the file, so that these are bounded here; see `gfla_tf.images.limits`.

    The chunks of PNG files and the segments of JPEG files are read here, because Pillow would have to decode
    a JPEG to find out whether it is complete. Pillow reads the headers of the other formats.

    Args:
      data: the content of the file.
      max_pixels: the largest accepted product of width and height.

    Raises:
      HeaderError: empty, of an unsupported format, damaged, truncated, or too large in one of these ways.
    """
    header = _read_stored(data, max_pixels)
    try:
        orientation = file_orientation(header.format, data)
    except ValueError as error:
        raise HeaderError(f"is an invalid {header.format} file: {error}") from error
    if orientation < 5:
        return replace(header, orientation=orientation)
    return replace(header, width=header.height, height=header.width, orientation=orientation)


def _read_stored(data: bytes, max_pixels: int) -> ImageHeader:
    """Reads and checks the header of the pixels as stored."""
    if data.startswith(_JPEG):
        header, scans = _read_jpeg(data)
        _check_size(header.width, header.height, max_pixels)
        _check_scans(header, scans, max_pixels)
        return header
    if data.startswith(_PNG):
        return _read_png(data, max_pixels)
    if data.startswith(b"RIFF"):
        _check_size(*_webp_size(data), max_pixels)
    format, image = open_image(data)
    header = ImageHeader(format, *image.size)
    _check_size(header.width, header.height, max_pixels)
    runs = format == "BMP" and image.info.get("compression") in _RLE_BMP
    if runs and header.width * header.height > _MAX_RLE_PIXELS:
        raise HeaderError(
            f"is a run-length encoded BMP of more than {_MAX_RLE_PIXELS:,} pixels: save it as PNG"
        )
    try:
        if format == "BMP":
            image.load()
    except PILLOW_ERRORS as error:
        raise HeaderError(f"is a truncated or damaged BMP file ({_one_line(error)})") from error
    return header


def _read_png(data: bytes, max_pixels: int) -> ImageHeader:
    """Reads and checks the header and all chunks of a PNG file."""
    if len(data) < 33 or not data.startswith(HEADER):
        raise HeaderError("has no valid PNG header (truncated or damaged?)")
    width, height = struct.unpack(">II", data[16:24])
    _check_size(width, height, max_pixels)
    _check_png_chunks(data)
    try:
        read_colors(data)
    except ValueError as error:
        raise HeaderError(f"is a truncated or damaged PNG file: {error}") from error
    return ImageHeader("PNG", width, height)


def open_image(data: bytes) -> tuple[str, ImageFile]:
    """Opens a WebP or BMP file with Pillow, without decoding it or checking its size.

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


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise HeaderError(f"declares a size of {width} x {height} pixels")
    if width * height > max_pixels:
        raise HeaderError(
            f"declares {width} x {height} pixels, more than the {max_pixels:,} that are accepted: reduce it "
            "first"
        )
    if max(width, height) > MAX_SIDE:
        raise HeaderError(
            f"declares {width} x {height} pixels, a side of more than {MAX_SIDE:,}: reduce it first"
        )


def _check_scans(header: ImageHeader, scans: int, max_pixels: int) -> None:
    pixels = scanned_pixels(header.height, header.width)
    if scans > MAX_SCANS and scans * pixels > MAX_SCANS * max_pixels:
        raise HeaderError(
            f"is a JPEG of {scans} scans, which may each process all {header.width} x {header.height} "
            "pixels: save it with fewer scans"
        )


def _check_png_chunks(data: bytes) -> None:
    """Checks the number of chunks and the size of compressed text and color profiles of the whole file."""
    position, count, text, limit = 8, 0, 0, max_segments(len(data))
    while position + 12 <= len(data):
        size, count = int.from_bytes(data[position : position + 4], "big"), count + 1
        text += size if _is_compressed(data, position + 4) else 0
        position += 12 + size
        if count > limit:
            raise HeaderError(f"is a PNG of more than {limit:,} chunks: save it again")
    if text > MAX_TEXT_BYTES:
        raise HeaderError(
            f"is a PNG with {text:,} bytes of compressed text and color profiles, more than the "
            f"{MAX_TEXT_BYTES:,} that are accepted: remove them"
        )


def _is_compressed(data: bytes, position: int) -> bool:
    """Whether the PNG chunk whose name is at this position contains compressed text or a color profile."""
    name, begin = data[position : position + 4], position + 4
    if name != b"iTXt":
        return name in TEXT_CHUNKS
    _, zero, rest = data[begin : begin + KEYWORD_BYTES + 2].partition(b"\0")
    return not zero or not rest or rest[0] != 0


def _webp_size(data: bytes) -> tuple[int, int]:
    """Returns the (width, height) of a WebP file's canvas or, if it has none, of its first image."""
    chunk, content = data[12:16], data[20:30].ljust(10, b"\0")
    if chunk == b"VP8X":
        return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    sides = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return tuple(max(1, side) for side in sides)  # another chunk's size is checked by Pillow


def _read_jpeg(data: bytes) -> tuple[ImageHeader, int]:
    """Reads the segments of a JPEG file, and checks that it has one size and an end.

    Returns:
      The header and the number of scans.
    """
    header, frame, adobe, position = None, (0, 0), False, 2
    scans, count, limit = 0, 0, max_segments(len(data))
    while (found := _JPEG_MARKER.search(data, position)) is not None:
        marker, position = data[found.start() + 1], found.end()
        scans, count = scans + (marker == 0xDA), count + 1
        if count > limit:
            raise HeaderError(f"is a JPEG of more than {limit:,} segments: save it again")
        if marker == 0xD9:
            break
        if marker in _JPEG_SIZES and header is not None:
            raise HeaderError("is a damaged JPEG file: it declares its size twice")
        if marker in _JPEG_SIZES:
            precision, height, width, components = struct.unpack(
                ">BHHB", data[position + 2 : position + 8].ljust(6, b"\0")
            )
            frame, header = (marker, precision), ImageHeader("JPEG", width, height, components=components)
        adobe = adobe or (marker == 0xEE and not scans and _is_adobe(data, position))
        if marker != 0x01:
            position += int.from_bytes(data[position : position + 2], "big")
    else:
        raise HeaderError("is a truncated JPEG file: its end is missing")
    if header is None:
        raise HeaderError("is a damaged JPEG file: it contains no image")
    fault = jpeg_fault(*frame, header.components, adobe)
    if fault is not None:
        raise HeaderError(fault)
    return header, scans


def _is_adobe(data: bytes, position: int) -> bool:
    """Whether the APP14 segment of this position is Adobe's marker, of at least 14 bytes."""
    length = int.from_bytes(data[position : position + 2], "big")
    return length >= 14 and data.startswith(b"Adobe", position + 2)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
