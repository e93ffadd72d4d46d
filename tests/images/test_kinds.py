"""Every kind of image files is read to the pixels that its format defines, or refused by name."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gfla_tf.images.header import HeaderError
from gfla_tf.images.io import decode_image
from gfla_tf.images.kinds import KINDS
from tests.images import pictures
from tests.images.samples import chunk, files_only, jpegs, png, pngs

SAMPLES = {**pngs(), **jpegs(), **files_only()}
PALETTE = chunk(b"PLTE", bytes(range(12)))
PIXELS = np.zeros((4, 4, 1), int)


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.pixels is not None])
def test_pixels_are_those_of_the_format(name):
    np.testing.assert_array_equal(decode_image(SAMPLES[name].data), SAMPLES[name].pixels)


def test_pixels_of_jpeg_are_those_of_pillow():
    for name, sample in jpegs().items():
        expected = np.asarray(Image.open(io.BytesIO(sample.data)).convert("RGB"))
        tolerance = 1 if name in ("JPEG CMYK", "JPEG YCCK") else 0  # Pillow rounds to the nearest level
        np.testing.assert_allclose(decode_image(sample.data).astype(int), expected, atol=tolerance)


def test_every_kind_has_a_sample():
    for kind in KINDS:
        start = f"{kind.format} "
        found = [n for n, s in SAMPLES.items() if n.startswith(start) and kind.content.startswith(s.content)]
        assert bool(found) == kind.file, kind
    for name, sample in SAMPLES.items():
        kinds = [k for k in KINDS if name.startswith(k.format) and k.content.startswith(sample.content)]
        assert len(kinds) == 1, name


def test_the_table_of_kinds_is_documented():
    page = Path(__file__).parents[2].joinpath("docs", "generate.md")
    if not page.is_file():
        pytest.skip("the documentation belongs to a clone")
    mark = {True: "yes", False: "no"}
    rows = [
        f"| {kind.format} | {kind.content} | {kind.result} | {mark[kind.file]} | {mark[kind.graph]} | "
        f"{kind.orientation or '–'} |\n"
        for kind in KINDS
    ]
    assert "".join(rows) in page.read_text(encoding="utf-8")


def _frame(marker=0xC0, precision=8, components=3):
    """A JPEG whose frame header declares something else."""
    data = bytearray(pictures.jpeg(pictures.gradient(16, 16)))
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4], data[at + 9] = marker, precision, components
    return bytes(data)


STRANGE_JPEGS = {
    _frame(components=4): "CMYK JPEG without the Adobe marker",
    _frame(components=2): "2 color components",
    _frame(precision=12): "12 bits per color",
    _frame(0xC3): "lossless or arithmetic-coded",
    _frame(0xC9): "lossless or arithmetic-coded",
}
"""{file: part of the error message}; the served graph refuses them too, like those of `AMBIGUOUS_PNGS`."""

AMBIGUOUS_PNGS = {
    png(PIXELS, 2, 3): "palette is missing",
    png(PIXELS, 2, 3, chunk(b"PLTE", bytes(14))): "invalid number of colors",
    png(PIXELS, 2, 3, chunk(b"PLTE", bytes(771))): "invalid number of colors",
    png(PIXELS, 2, 3, chunk(b"PLTE", bytes(15)) + chunk(b"tRNS", bytes(5))): "tRNS chunk does not match",
    png(PIXELS, 2, 3, PALETTE + PALETTE): "PLTE chunk is repeated",
    png(PIXELS, 2, 3, chunk(b"tRNS", b"\0") + PALETTE): "PLTE chunk is repeated or misplaced",
    png(PIXELS, 2, 3, PALETTE + chunk(b"tRNS", bytes(5))): "tRNS chunk does not match",
    png(PIXELS, 2, 3, PALETTE + chunk(b"tRNS", b"")): "tRNS chunk does not match",
    png(PIXELS, 2, 3, PALETTE, chunk(b"tRNS", b"\0")): "tRNS chunk is repeated or misplaced",
    png(PIXELS, 8, 0, chunk(b"tRNS", b"\0" * 6)): "tRNS chunk does not match",
    png(PIXELS, 8, 0, chunk(b"tRNS", b"\0\0") * 2): "tRNS chunk is repeated",
    png(PIXELS, 8, 0, chunk(b"tRNS", b"\0\0") + PALETTE): "PLTE chunk is repeated or misplaced",
    png(PIXELS, 8, 0, chunk(b"tRNS", b"\0\0")[:-1] + b"\0"): "checksum of its chunk b'tRNS' is wrong",
    png(np.zeros((4, 4, 4), int), 8, 6, chunk(b"tRNS", b"\0\0")): "tRNS chunk does not match",
}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        *STRANGE_JPEGS.items(),
        *AMBIGUOUS_PNGS.items(),
        (b"II*\0" + bytes(20), "TIFF file, which is not supported"),
    ],
)
def test_ambiguous_files_are_refused(data, message):
    with pytest.raises(HeaderError, match=message):
        decode_image(data)
