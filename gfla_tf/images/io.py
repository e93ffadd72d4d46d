"""Reading and writing of image files as uint8 RGB arrays."""

from __future__ import annotations

import os
import stat

import cv2
import numpy as np
from PIL import Image

from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.files.names import other_file
from gfla_tf.images.blocks import new_rgb, pillow_blocks
from gfla_tf.images.cmyk import decode_cmyk
from gfla_tf.images.header import PILLOW_ERRORS, HeaderError, ImageHeader, open_image, read_header
from gfla_tf.images.limits import MAX_PIXELS, MAX_SIDE
from gfla_tf.images.orientation import turn
from gfla_tf.images.png_pixels import decode_png
from gfla_tf.images.transparency import over_white

MAX_BYTES = 256 * 2**20
FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""The extensions that `encode_image` accepts."""
_MAX_SIDES = {".png": MAX_SIDE, ".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
"""{extension: the largest width and height, in pixels, that the encoder accepts}."""
_AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def read_image(path: PathLike, max_pixels: int = MAX_PIXELS, out: np.ndarray | None = None) -> np.ndarray:
    """Reads an image file as uint8 RGB [H, W, 3].

    The format is PNG, JPEG, WebP or BMP; it is detected from the content, not from the extension. The
    declared size and the completeness of the file are checked before it is decoded. Grayscale is converted to
    RGB, palettes are resolved, transparency is composited over white, 16 bits are rounded to 8, CMYK with
    Adobe's marker is converted, and the EXIF orientation is applied. `gfla_tf.images.kinds` lists all kinds.

    Args:
      path: the file.
      max_pixels: the largest accepted product of width and height.
      out: an optional uint8 array [H, W, 3] for the result; it is used if it has the size of the image.

    Raises:
      InputError: the file is missing, unreadable, not a regular file, not an image, truncated, damaged or
        too large.
    """
    path = os.fspath(path)
    try:
        return decode_image(read_file(path, MAX_BYTES, "image"), max_pixels, out=out)
    except HeaderError as error:
        raise InputError(f"the image {path!r} {error}") from error


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS, out: np.ndarray | None = None) -> np.ndarray:
    """Decodes the content of an image file; see `read_image`.

    OpenCV decodes JPEG, some 10 % faster than Pillow and to the same pixels; Pillow decodes the others.

    Args:
      data: the content of the file.
      max_pixels: the largest accepted product of width and height.
      out: an optional uint8 array [H, W, 3] for the result; it is used if it has the size of the image.

    Returns:
      uint8 RGB [h, w, 3].

    Raises:
      HeaderError: not an image, truncated, damaged or too large; the message is a sentence without its
        subject, the name of the file.
    """
    header = read_header(data, max_pixels)
    try:
        if header.format == "JPEG" and header.components != 4:
            bgr = _decode_bgr(data)
            fits = out is not None and header.orientation == 1 and out.shape == bgr.shape
            rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=out if fits else None)
        else:
            rgb = _decode(data, header.format)
    except (*PILLOW_ERRORS, cv2.error) as error:
        raise HeaderError(f"is a damaged {header.format} file: it cannot be decoded") from error
    rgb = turn(rgb, header.orientation)
    if out is None or rgb is out or out.shape != rgb.shape:
        return rgb
    np.copyto(out, rgb)
    return out


def is_plain_jpeg(header: ImageHeader) -> bool:
    """Whether `decode_jpeg` decodes the file: an upright JPEG file that is not CMYK."""
    return header.format == "JPEG" and header.components != 4 and header.orientation == 1


def decode_jpeg(data: bytes, begin: int, length: int, out: np.ndarray) -> bool:
    """Decodes a plain JPEG file that `decode_image` has accepted before, to the same pixels.

    Args:
      data: bytes that contain the file.
      begin: the offset of the file, in bytes.
      length: the length of the file, in bytes.
      out: contiguous uint8 array [H, W, 3] for the result.

    Returns:
      Whether the image has the size of `out`; otherwise `out` is unchanged.
    """
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8, length, begin), _AS_STORED)
    if bgr is None or bgr.shape != out.shape:
        return False
    cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=out)
    return True


def _decode_bgr(data: bytes) -> np.ndarray:
    """Decodes a gray, YCbCr or RGB JPEG file, as stored, to BGR [h, w, 3]."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    if bgr is None:
        raise ValueError("it cannot be decoded")
    return bgr


def _decode(data: bytes, format: str) -> np.ndarray:
    """Decodes a file that `read_header` has accepted, as stored, to RGB [h, w, 3]."""
    if format == "PNG":
        return decode_png(data)
    if format == "JPEG":
        return decode_cmyk(data)
    with open_image(data)[1] as image:
        return to_rgb(image)


def to_rgb(image: Image.Image) -> np.ndarray:
    """An 8-bit Pillow image of any mode as uint8 RGB [h, w, 3], composited over white, as stored."""
    rgb = new_rgb(image.height, image.width)
    transparent = image.has_transparency_data
    for rows, block in pillow_blocks(image):
        pixels = np.asarray(block.convert("RGBA" if transparent else "RGB"))
        rgb[rows] = over_white(pixels) if transparent else pixels
    return rgb


def read_file(path: str, max_bytes: int, what: str) -> bytes:
    """Reads a regular file of at most `max_bytes`; `what` is its description in the `InputError`."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"the {what} {path!r} is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"the {what} {path!r} is not a regular file")
        if status.st_size > max_bytes:
            raise InputError(
                f"the {what} {path!r} has {status.st_size / 2**20:.0f} MiB, more than the "
                f"{max_bytes / 2**20:.0f} MiB that are accepted"
            )
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise InputError(f"the {what} {path!r} does not exist{other_file(path)}") from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the {what} {path!r} cannot be read: {_reason(error)}") from error


def encode_image(path: PathLike, rgb: np.ndarray, quality: int = 95) -> bytes:
    """Encodes an image in the format of the path's extension.

    Args:
      path: a path with one of the extensions `FORMATS`.
      rgb: uint8 [H, W, 3].
      quality: of JPEG, 1 to 100. The other formats are lossless.

    Raises:
      InputError: another extension, or a side that is too large for the format.
      ValueError: the image is not uint8 [H, W, 3].
    """
    rgb = np.asarray(rgb)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"an image must be uint8 [H, W, 3], got {rgb.dtype} {rgb.shape}")
    extension = check_extension(path)
    height, width = rgb.shape[:2]
    limit = _MAX_SIDES.get(extension)
    if limit is not None and max(height, width) > limit:
        raise InputError(
            f"an image of {width} x {height} pixels cannot be written to {os.fspath(path)!r}: a side of "
            f"{extension} has at most {limit:,} pixels"
        )
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options = {".jpg": jpeg, ".jpeg": jpeg, ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101]}
    done, data = cv2.imencode(extension, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options.get(extension, []))
    if not done:
        raise ValueError(f"an image of shape {rgb.shape} could not be encoded as {extension}")
    return data.tobytes()


def check_extension(path: PathLike) -> str:
    """Returns the path's extension in lower case; an `InputError` if it is not one of `FORMATS`."""
    extension = os.path.splitext(os.fspath(path))[1].lower()
    if extension not in FORMATS:
        raise InputError(
            f"the output {os.fspath(path)!r} must end in one of {', '.join(FORMATS)}: it selects the format"
        )
    return extension


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
