"""Peak memory of reading the largest photos: by `read_image` and by the exported model.

    python -m benchmarks.bm_image_memory
    python -m benchmarks.bm_image_memory --shrink 8

The files are single-colored photos of 8000 x 8000 pixels, the largest that are accepted, in the kinds that
need the most memory. The served request decodes the photo and encodes the result in the photo's size.
"""

from __future__ import annotations

import io
import struct
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from benchmarks.reporting import run
from benchmarks.timing import peak_memory
from gfla_tf.export import export_saved_model
from gfla_tf.images.io import decode_image, encode_image
from gfla_tf.models.loading import load_generator

SIDE = 8000
GIB = 2**30
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Those of an interlaced PNG: first row, first column, step of rows, step of columns."""

SERVED = {
    "PNG, RGB": lambda side: _png(side, 2, 8),
    "PNG, palette of 4 bits with tRNS": lambda side: _png(side, 3, 4),
    "PNG, RGB and alpha": lambda side: _png(side, 6, 8),
    "PNG, RGB and alpha, 16 bits": lambda side: _png(side, 6, 16),
    "the same, interlaced": lambda side: _png(side, 6, 16, interlaced=True),
    "JPEG, baseline": lambda side: _pillow(side, "RGB", "JPEG"),
    "JPEG, progressive": lambda side: _pillow(side, "RGB", "JPEG", progressive=True, subsampling=0),
    "the same, on its side": lambda side: _turned(
        _pillow(side, "RGB", "JPEG", progressive=True, subsampling=0)
    ),
    "JPEG, progressive, CMYK": lambda side: _pillow(side, "CMYK", "JPEG", progressive=True),
}
KINDS = {
    **SERVED,
    "WebP, RGB and alpha": lambda side: _pillow(side, "RGBA", "WEBP", lossless=True),
    "BMP, RGB and alpha": lambda side: _pillow(side, "RGBA", "BMP"),
}
"""{kind of file: function that builds it}."""


def read(report, args):
    """`read_image`, by kind of file."""
    _measure(report, args, KINDS, _read)


def serve(report, args):
    """A request with one photo, by kind of file."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "savedmodel"
        export_saved_model(load_generator(), folder)
        _measure(report, args, SERVED, _serve, str(folder))


def _measure(report, args, kinds, prepare, *arguments):
    """Adds a table of the peak memory, measured in one process per kind."""
    side = max(8, SIDE // args.shrink)
    rows = []
    for kind, build in kinds.items():
        peak = peak_memory(prepare, kind, side, *arguments) / GIB
        rows.append([kind, f"{len(build(side)):,}", f"{peak:.2f}"])
    head = [f"{side} x {side} pixels", "bytes", "GiB"]
    report.table(f"Peak memory of {prepare.__name__.removeprefix('_')}", head, rows)


def _read(kind, side):
    """Returns a call that decodes a file."""
    data = KINDS[kind](side)
    decode_image(KINDS[kind](8))
    return lambda: decode_image(data)


def _serve(kind, side, folder):
    """Returns a call that sends a photo to an exported model."""
    model = tf.saved_model.load(folder)
    points = tf.constant(np.tile([[4.0, 5.0]], (1, 18, 1)), tf.float32)

    def ask(data):
        function = model.signatures["serving_default"]
        return function(source_bytes=tf.constant([data]), source_keypoints=points, target_keypoints=points)

    data = KINDS[kind](side)
    ask(encode_image("small.png", np.zeros((16, 16, 3), np.uint8)))
    return lambda: ask(data)


def _png(side, color_type, depth, interlaced=False):
    """A PNG file of zeros, of a palette of two half-transparent colors if it has one."""
    channels = {2: 3, 3: 1, 6: 4}[color_type]
    compressor, content = zlib.compressobj(9), []
    for row, column, down, right in PASSES if interlaced else [(0, 0, 1, 1)]:
        line = bytes(1 + -(-len(range(column, side, right)) * channels * depth // 8))
        content += [compressor.compress(line) for _ in range(row, side, down)]
    header = struct.pack(">IIBBBBB", side, side, depth, color_type, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", b"".join([*content, compressor.flush()])), (b"IEND", b"")]
    if color_type == 3:
        chunks[1:1] = [(b"PLTE", bytes(6)), (b"tRNS", b"\x80\x80")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _pillow(side, mode, format, **options):
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, format, **options)
    return file.getvalue()


def _turned(jpeg):
    """A JPEG file with the EXIF orientation 6."""
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


SECTIONS = {"read": read, "serve": serve}


def main(argv=None):
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
