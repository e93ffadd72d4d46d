"""Image files in and out, as uint8 RGB, whatever their kind; each failure is one `InputError` sentence."""

from __future__ import annotations

import os
import stat

import cv2
import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.images.header import HeaderError, read_header

MAX_PIXELS = 64_000_000
MAX_BYTES = 256 * 2**20
FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""What `encode_image` writes, by a file's extension."""


def read_image(path, max_pixels: int = MAX_PIXELS, out: np.ndarray | None = None) -> np.ndarray:
    """Reads a photograph as uint8 RGB [H, W, 3].

    PNG, JPEG, WebP and BMP; the bytes decide, not the name. The declared size and the file's completeness are
    checked before it is decoded. Grey becomes RGB, transparency is laid over white, 16 bits are rounded to 8,
    CMYK (Adobe's) is converted, palettes are resolved, and a JPEG is turned as its EXIF orientation says.

    Args:
      path: the file.
      max_pixels: a larger declared size is refused.
      out: None or a uint8 array [H, W, 3]: the result, if the picture has that size.

    Raises:
      InputError: missing, unreadable, not a regular file, not an image, truncated, damaged or too large.
    """
    path = os.fspath(path)
    try:
        return decode_image(read_file(path, MAX_BYTES, "image"), max_pixels, out=out)
    except HeaderError as error:
        raise InputError(f"the image {path!r} {error}") from error


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS, out: np.ndarray | None = None) -> np.ndarray:
    """Decodes the bytes of an image file as `read_image` does.

    Args:
      data: the bytes.
      max_pixels: a larger declared size is refused.
      out: None or a uint8 array [H, W, 3]: the result, if the picture has that size.

    Returns:
      uint8 RGB [h, w, 3].

    Raises:
      HeaderError: not an image, truncated, damaged or too large: the rest of a sentence that starts with the
        file's name.
    """
    header = read_header(data)
    if header.width * header.height > max_pixels:
        raise HeaderError(
            f"declares {header.width} x {header.height} pixels, more than the "
            f"{max_pixels:,} that are accepted: reduce it first"
        )
    flags = cv2.IMREAD_COLOR if header.format in ("JPEG", "BMP") else cv2.IMREAD_UNCHANGED
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise HeaderError(f"is a damaged {header.format} file: it cannot be decoded")
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[-1] == 3:
        fits = out is not None and out.shape == pixels.shape
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=out if fits else None)
    return _to_rgb(pixels)


def decode_jpeg(data: bytes, begin: int, length: int, out: np.ndarray) -> bool:
    """Decodes a JPEG file that `decode_image` has accepted before, with the same result and fewer checks.

    Args:
      data: bytes that hold the file at `begin` .. `begin + length`.
      begin: in bytes.
      length: in bytes.
      out: uint8 [H, W, 3], contiguous.

    Returns:
      Whether the picture has the size of `out`; otherwise `out` is left as it was.
    """
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8, length, begin), cv2.IMREAD_COLOR)
    if pixels is None or pixels.shape != out.shape:
        return False
    cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=out)
    return True


def read_file(path: str, max_bytes: int, what: str) -> bytes:
    """The bytes of a regular file of at most `max_bytes`; `what` names it in the `InputError`."""
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
        raise InputError(f"the {what} {path!r} does not exist") from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the {what} {path!r} cannot be read: {_reason(error)}") from error


def encode_image(path, rgb: np.ndarray, quality: int = 95) -> bytes:
    """Encodes uint8 RGB [H, W, 3] in the format of the path's extension (JPEG: of `quality`; WebP: lossless).

    Raises:
      InputError: another extension than `FORMATS`.
      ValueError: the picture is not uint8 [H, W, 3].
    """
    rgb = np.asarray(rgb)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"a picture is uint8 [H, W, 3], got {rgb.dtype} {rgb.shape}")
    extension = check_extension(path)
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options = {".jpg": jpeg, ".jpeg": jpeg, ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101]}
    done, data = cv2.imencode(extension, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options.get(extension, []))
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} could not be encoded as {extension}")
    return data.tobytes()


def check_extension(path) -> str:
    """The path's extension in lower case, one of `FORMATS`, or an `InputError`."""
    extension = os.path.splitext(os.fspath(path))[1].lower()
    if extension not in FORMATS:
        raise InputError(
            f"the output {os.fspath(path)!r} must end in one of {', '.join(FORMATS)}: that chooses its format"
        )
    return extension


def _to_rgb(pixels: np.ndarray) -> np.ndarray:
    """OpenCV's grey, grey + alpha, BGR or BGRA of 8 or 16 bits (or float in [0, 1]) as uint8 RGB."""
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    channels = pixels.shape[-1]
    colour = pixels[..., 2::-1] if channels >= 3 else np.repeat(pixels[..., :1], 3, -1)
    if channels in (2, 4):
        alpha = pixels[..., -1:].astype(np.uint32)
        colour = ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(colour)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
