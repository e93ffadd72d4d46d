"""Small image files of every kind in `gfla_tf.images.kinds`, with the pixels that the file formats define."""

import io
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from tests.images.pictures import gradient

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""{color type of PNG: its bit depths}."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_NAMES = {0: "gray", 2: "RGB", 3: "palette", 4: "gray and alpha", 6: "RGB and alpha"}
_KINDS = {0: "gray, 1,", 2: "RGB, 8", 3: "palette, ", 4: "gray and", 6: "RGB and"}
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


@dataclass(frozen=True)
class Sample:
    """A file, the start of its kind's content, and its pixels if its format defines them: uint8 [h, w, 3]."""

    data: bytes
    content: str
    pixels: np.ndarray | None = None


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, depth, color, before=b"", after=b"", interlaced=False) -> bytes:
    """A PNG of samples [h, w, c], with chunks before and after the pixels."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    passes = [samples[y::dy, x::dx] for y, x, dy, dx in _ADAM7] if interlaced else [samples]
    pixels = zlib.compress(b"".join(_rows(part, depth) for part in passes if part.size))
    chunks = (chunk(b"IHDR", header), before, chunk(b"IDAT", pixels), after, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _rows(samples, depth):
    """Rows of a PNG, each after filter 0."""
    rows = samples.reshape(len(samples), -1)
    if depth == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
    return b"".join(b"\0" + np.packbits(row).tobytes() for row in bits)


def png_pixels(samples, depth, color, palette=None, transparency=None) -> np.ndarray:
    """The pixels of a PNG over white by the PNG specification, uint8 RGB [h, w, 3]."""
    alpha = np.full(samples.shape[:2], 255)
    rgb = samples if color in (2, 6) else samples[..., :1].repeat(3, -1)
    if color == 3:
        colors = np.zeros((256, 4), int)
        colors[:, 3] = 255
        colors[: len(palette), :3] = palette
        colors[: len(transparency or ()), 3] = transparency or ()
        rgb, alpha = colors[samples[..., 0]][..., :3], colors[samples[..., 0]][..., 3]
    else:
        if color in (4, 6):
            alpha = _to_8_bits(samples[..., -1], depth)
        elif transparency is not None:
            clear = samples == np.array(transparency) % 2**depth
            alpha = np.where(clear.all(-1), 0, 255)
        rgb = _to_8_bits(rgb[..., :3], depth)
    alpha = alpha[..., None]
    return np.floor((rgb * alpha + 255 * (255 - alpha)) / 255 + 0.5).astype(np.uint8)


def _to_8_bits(samples, depth):
    return np.floor(samples * 255 / (2**depth - 1) + 0.5).astype(int)


def pngs() -> dict[str, Sample]:
    """PNG files of all color types and depths, with tRNS where it is allowed, interlaced, animated."""
    rng = np.random.default_rng(11)
    found = {}
    for color, depths in DEPTHS.items():
        for depth in depths:
            samples = rng.integers(0, 2**depth, (13, 11, _CHANNELS[color]))
            palette = rng.integers(0, 256, (max(2, 2**depth - 1), 3)) if color == 3 else None
            plte = b"" if palette is None else chunk(b"PLTE", palette.astype(np.uint8).tobytes())
            kind = f"{_NAMES[color]}, 16" if depth == 16 and color in (0, 2) else _KINDS[color]
            name = f"PNG {_NAMES[color]} {depth}"
            pixels = png_pixels(samples, depth, color, palette)
            found[name] = Sample(png(samples, depth, color, plte), kind, pixels)
            found[f"{name} interlaced"] = Sample(
                png(samples, depth, color, plte, interlaced=True), kind, pixels
            )
            metadata = chunk(b"gAMA", struct.pack(">I", 22000)) + chunk(b"sBIT", b"\1" * _CHANNELS[color])
            found[f"{name} with gamma"] = Sample(png(samples, depth, color, metadata + plte), kind, pixels)
            animation, frames = _animation(samples.shape[:2])
            animated = png(samples, depth, color, animation + plte, frames)
            found[f"{name} animated"] = Sample(animated, "animated", pixels)
            if color in (4, 6):
                continue
            clear = [255, 128, 0][: min(3, 2**depth)] if color == 3 else samples[5, 5].tolist()
            trns = bytes(clear) if color == 3 else struct.pack(f">{len(clear)}H", *clear)
            pixels = png_pixels(samples, depth, color, palette, clear)
            transparent = png(samples, depth, color, plte + chunk(b"tRNS", trns))
            found[f"{name} with tRNS"] = Sample(transparent, f"{_NAMES[color]} with tRNS", pixels)
    pixels = gradient(13, 11)
    before, frames = _animation((13, 11))
    apart = png(pixels, 8, 2, before[:20], frames)  # acTL alone: the still image is no frame
    found["PNG RGB 8 apart from its animation"] = Sample(apart, "animated", pixels)
    found["PNG gray 4 with a large tRNS"] = _gray_with_high_bits(rng)
    samples, palette = rng.integers(0, 16, (9, 9, 1)), rng.integers(0, 256, (256, 3))
    plte = chunk(b"PLTE", palette.astype(np.uint8).tobytes())  # 240 of the colors cannot be used
    pixels = png_pixels(samples, 4, 3, palette)
    found["PNG palette 4 of 256 colors"] = Sample(png(samples, 4, 3, plte), "palette, ", pixels)
    return found


def _gray_with_high_bits(rng):
    """Only the lower bits of the transparent level are used."""
    samples = rng.integers(0, 16, (9, 9, 1))
    data = png(samples, 4, 0, chunk(b"tRNS", b"\x12\x35"))
    return Sample(data, "gray with tRNS", png_pixels(samples, 4, 0, transparency=[0x1235]))


def _animation(size):
    """The chunks of an animation before and after the still image."""
    height, width = size
    control = struct.pack(">IIIIIHHBB", 1, width - 2, height - 3, 1, 2, 1, 10, 1, 1)
    before = chunk(b"acTL", struct.pack(">II", 2, 0))
    before += chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 10, 1, 1))
    return before, chunk(b"fcTL", control) + chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(b"\0" * 999))


def exif(orientation: int, order=">", type=3, count=1, tag=0x0112) -> bytes:
    """An EXIF block with one entry."""
    value = struct.pack(
        f"{order}I" if type == 4 else f"{order}HH", *([orientation] if type == 4 else [orientation, 0])
    )
    head = {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(f"{order}IH", 8, 1)
    return head + struct.pack(f"{order}HHI", tag, type, count) + value + b"\0" * 4


def with_exif(format: str, rgb: np.ndarray, block: bytes, late: bool = False) -> bytes:
    """A PNG, JPEG (quality 95) or lossless WebP of `rgb` with an EXIF block; `late`: after a PNG's pixels."""
    if format == "PNG":
        part = chunk(b"eXIf", block)
        return png(rgb, 8, 2, *((b"", part) if late else (part, b"")))
    file = io.BytesIO()
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}[format]
    Image.fromarray(rgb).save(file, format, exif=b"Exif\0\0" + block, **options)
    return file.getvalue()


def jpegs() -> dict[str, Sample]:
    """JPEG files of all supported color spaces and modes."""
    rgb = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (45, 37, 3)).astype(np.uint8), (5, 5), 0)
    image = Image.fromarray(rgb)
    options = {
        "4:4:4": {"subsampling": 0},
        "4:2:2": {"subsampling": 1},
        "4:2:0": {"subsampling": 2},
        "progressive": {"progressive": True},
        "restarts": {"restart_marker_blocks": 2},
        "RGB": {"keep_rgb": True},
    }
    found = {f"JPEG {name}": _jpeg(image, **value) for name, value in options.items()}
    found["JPEG gray"] = _jpeg(image.convert("L"))
    found["JPEG gray progressive"] = _jpeg(image.convert("L"), progressive=True)
    inks = Image.fromarray(np.dstack([rgb, 255 - rgb[..., :1] // 3]), "RGBA")
    cmyk = _jpeg(Image.frombytes("CMYK", inks.size, inks.tobytes()))
    at = cmyk.index(b"Adobe") + 11  # the color transform
    found["JPEG CMYK"] = cmyk
    found["JPEG YCCK"] = cmyk[:at] + b"\2" + cmyk[at + 1 :]
    found["JPEG multi-picture"] = found["JPEG 4:2:0"] + found["JPEG gray"]
    found["JPEG with a long profile"] = _jpeg(image, icc_profile=bytes(200_000))
    kinds = {
        "JPEG gray": "gray",
        "JPEG gray progressive": "gray",
        "JPEG CMYK": "CMYK or",
        "JPEG YCCK": "CMYK or",
    }
    return {name: Sample(data, kinds.get(name, "YCbCr")) for name, data in found.items()}


def _jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **{"quality": 80, **options})
    return file.getvalue()


def files_only() -> dict[str, Sample]:
    """WebP and BMP files, which the served graph refuses."""
    rgb = gradient(12, 10)
    image = Image.fromarray(rgb)
    rgba = np.dstack([rgb, np.linspace(0, 255, 120).astype(np.uint8).reshape(12, 10)])
    over_white = png_pixels(rgba.astype(int), 8, 6)
    other = Image.fromarray(np.ascontiguousarray(rgb[::-1]))
    animated = _save(image, "WEBP", lossless=True, save_all=True, append_images=[other])
    levels = rgb[..., :1].repeat(3, -1)
    bits = np.where(rgb[..., :1] > 127, 255, 0).repeat(3, -1).astype(np.uint8)
    return {
        "WebP lossy": Sample(_save(image, "WEBP", quality=90), "lossy"),
        "WebP lossless": Sample(_save(image, "WEBP", lossless=True), "lossy", rgb),
        "WebP alpha": Sample(_save(Image.fromarray(rgba), "WEBP", lossless=True), "with alpha", over_white),
        "WebP animated": Sample(animated, "animated", rgb),
        "BMP 1": Sample(_save(Image.fromarray(bits[..., 0]).convert("1"), "BMP"), "palette", bits),
        "BMP 8": Sample(_save(Image.fromarray(levels[..., 0]), "BMP"), "palette", levels),
        "BMP 24": Sample(_save(image, "BMP"), "16, 24", rgb),
        "BMP 32": Sample(_save(image.convert("RGBA"), "BMP"), "16, 24", rgb),
        "BMP 8 run-length encoded": _run_length_bmp(),
        "BMP 32 alpha": _alpha_bmp(rgba, over_white),
    }


def _save(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _bmp(header, colors, pixels):
    offset = 14 + len(header) + len(colors)
    content = header + colors + pixels
    return b"BM" + struct.pack("<IHHI", 14 + len(content), 0, 0, offset) + content


def _run_length_bmp():
    """A row of three pixels of color 1, then a row of color 2, from bottom to top."""
    header = struct.pack("<IiiHHIIiiII", 40, 3, 2, 1, 8, 1, 8, 0, 0, 3, 0)
    colors = bytes((0, 0, 0, 0, 10, 20, 30, 0, 40, 50, 60, 0))  # BGR0
    pixels = bytes((3, 1, 0, 0, 3, 2, 0, 1))
    rows = np.array([[[60, 50, 40]] * 3, [[30, 20, 10]] * 3], np.uint8)
    return Sample(_bmp(header, colors, pixels), "palette", rows)


def _alpha_bmp(rgba, over_white):
    height, width = rgba.shape[:2]
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 32, 3, rgba.size, 0, 0, 0, 0)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(64)
    return Sample(_bmp(header, b"", rgba[::-1, :, [2, 1, 0, 3]].tobytes()), "32 bits with", over_white)
