"""The EXIF orientation of JPEG, PNG and WebP is applied by everything that reads images or their headers."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from gfla_tf.images.header import read_header
from gfla_tf.images.io import decode_image, is_plain_jpeg
from gfla_tf.images.orientation import pillow_orientation, turn
from tests.images.pictures import gradient
from tests.images.samples import chunk, exif, png, with_exif

RGB = gradient(12, 10)
FORMATS = [("PNG", False), ("PNG", True), ("JPEG", False), ("WEBP", False)]
TURNS = {
    1: lambda rgb: rgb,
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: np.rot90(rgb, 2),
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.swapaxes(0, 1),
    6: lambda rgb: np.rot90(rgb, -1),
    7: lambda rgb: np.rot90(rgb, 2).swapaxes(0, 1),
    8: lambda rgb: np.rot90(rgb),
}
MALFORMED = {
    "value 0": exif(0),
    "value 9": exif(9),
    "another tag": exif(6, tag=0x0113),
    "bytes": exif(6, type=1),
    "two values": exif(6, count=2),
    "empty": b"",
    "no TIFF": b"JJ*\0" + exif(6)[4:],
    "truncated": exif(6)[:20],
    "a distant directory": exif(6)[:4] + b"\xff\xff\xff\xf0" + exif(6)[8:],
}


@pytest.mark.parametrize(("format", "late"), FORMATS)
def test_all_orientations(format, late):
    stored = decode_image(with_exif(format, RGB, exif(1), late))
    for orientation, expected in TURNS.items():
        data = with_exif(format, RGB, exif(orientation, "><"[orientation % 2]), late)
        actual = decode_image(data)
        np.testing.assert_array_equal(actual, expected(stored))
        out = np.zeros_like(actual)
        assert decode_image(data, out=out) is out
        np.testing.assert_array_equal(out, actual)
        header = read_header(data)
        assert (header.height, header.width, header.orientation) == (*actual.shape[:2], orientation)
        assert is_plain_jpeg(header) == (format == "JPEG" and orientation == 1)
        image = Image.open(io.BytesIO(data))
        assert pillow_orientation(image) == orientation
        np.testing.assert_array_equal(turn(np.asarray(image), orientation), actual)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_long_value_and_the_prefix_of_jpeg_are_read(format):
    for block in (exif(6, type=4), exif(6, "<", type=4), b"Exif\0\0" + exif(6)):
        block = block if format == "PNG" else block.removeprefix(b"Exif\0\0")
        assert read_header(with_exif(format, RGB, block)).orientation == 6


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("block", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_malformed_blocks_are_ignored(format, block):
    data = with_exif(format, RGB, block)
    np.testing.assert_array_equal(decode_image(data), decode_image(with_exif(format, RGB, exif(1))))
    assert pillow_orientation(Image.open(io.BytesIO(data))) == 1


def test_the_first_block_counts():
    image = png(RGB, 8, 2, chunk(b"eXIf", exif(6)) + chunk(b"eXIf", exif(3)))
    assert read_header(image).orientation == 6
    jpeg = with_exif("JPEG", RGB, exif(8))
    other = b"Exif\0\0" + exif(3)
    second = jpeg[:2] + b"\xff\xff\xe1" + struct.pack(">H", len(other) + 2) + other + jpeg[2:]
    assert read_header(second).orientation == 3


def test_other_metadata_is_ignored():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>6</tiff:Orientation></x:xmpmeta>'
    profile = "\nexif\n" + " 32\n" + (b"Exif\0\0" + exif(6)).hex()
    text = png(RGB, 8, 2, chunk(b"tEXt", b"Raw profile type exif\0" + profile.encode()))
    international = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "JPEG", xmp=xmp)
    for data in (text, png(RGB, 8, 2, international), file.getvalue()):
        assert read_header(data).orientation == 1
        assert pillow_orientation(Image.open(io.BytesIO(data))) == 1


def test_images_in_memory():
    image = Image.fromarray(RGB)
    assert pillow_orientation(image) == 1
    image.getexif()[0x0112] = 6
    assert pillow_orientation(image) == 6
    image.getexif()[0x0112] = "six"
    assert pillow_orientation(image) == 1
