"""Images decoded in the graph match those of `gfla_tf.images.io`, and invalid files are rejected."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.export.encoded_images import decode_png_or_jpeg, encode_png
from gfla_tf.export.file_orientation import block_orientation
from gfla_tf.images import orientation as images_orientation
from gfla_tf.images.io import decode_image, encode_image
from tests.images import pictures
from tests.images.samples import Sample, exif, files_only, jpegs, pngs, with_exif
from tests.images.test_kinds import AMBIGUOUS_PNGS, STRANGE_JPEGS

CMYK = Path(__file__).parents[1] / "images" / "cmyk.jpg"
SAMPLES = {**pngs(), **jpegs(), "cmyk.jpg": Sample(CMYK.read_bytes(), "CMYK")}


@pytest.fixture(scope="module")
def decode():
    return tf.function(
        lambda data: decode_png_or_jpeg(data, 7, "source_bytes"),
        input_signature=[tf.TensorSpec([], tf.string)],
    )


def _noise():
    return np.random.default_rng(0).integers(0, 256, (61, 53, 3)).astype(np.uint8)


def test_images_match_those_of_images_io(decode):
    for name, sample in SAMPLES.items():
        np.testing.assert_array_equal(decode(sample.data), decode_image(sample.data), err_msg=name)


def test_orientations_match_those_of_images_io(decode):
    for format, late in (("PNG", False), ("PNG", True), ("JPEG", False)):
        for orientation in range(10):
            data = with_exif(format, _noise(), exif(orientation, "<>"[orientation % 2]), late)
            np.testing.assert_array_equal(decode(data), decode_image(data))


def test_orientations_of_damaged_blocks_match_those_of_images():
    """Random bytes in blocks of one entry, and of three in another order."""
    rng = np.random.default_rng(5)
    entries = [
        exif(value, tag=tag, type=type)[10:22]
        for value, tag, type in ((7, 9, 3), (8, 0x112, 4), (6, 0x112, 3))
    ]
    blocks = [exif(6), exif(8, "<", type=4), exif(1)[:8] + b"\0\3" + b"".join(entries), b"Exif\0\0" + exif(5)]
    read = tf.function(
        lambda data, end: block_orientation(data, tf.constant(3, tf.int64), end),
        input_signature=[tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int64)],
    )
    found = set()
    for number in range(400):
        block = bytearray(blocks[number % 4])
        for _ in range(rng.integers(0, 3)):
            block[rng.integers(len(block))] = rng.integers(256) if rng.integers(2) else rng.integers(9)
        block = bytes(block[: rng.integers(len(block)) if rng.integers(4) == 0 else None])
        expected = images_orientation.block_orientation(block)
        assert read(b"abc" + block + b"\0\1", 3 + len(block)).numpy() == expected, block
        found.add(expected)
    assert found >= {1, 5, 6, 8}


def test_encode_png_is_lossless(decode):
    data = encode_png(_noise()).numpy()
    np.testing.assert_array_equal(decode_image(data), _noise())
    np.testing.assert_array_equal(decode(data), _noise())


_JPEG = encode_image("a.jpg", _noise())
_PNG = encode_image("a.png", _noise())


def test_files_within_the_limits_match_those_of_images_io(decode):
    for data in (
        pictures.scanned_jpeg(16, 16, 900),
        pictures.crumbled_jpeg(900),
        pictures.crumbled_png(900),
        _JPEG + b"\xff\xda\0\2" * 900,  # after the end, as in photos with a video
        _JPEG[:2] + b"\xff\xfe\xff\xff" + b"\xff\xda" * 32766 + b"\0" + _JPEG[2:],
        pictures.plain_text_png(600_000),
        pictures.png(0, 1, [bytes(125_000)], (1, 1_000_000)),
    ):
        np.testing.assert_array_equal(decode(data), decode_image(data))


def test_invalid_files_are_rejected(decode):
    for data, message in (
        (b"", "source_bytes holds an empty string in row"),
        (b"dear diary", "source_bytes must be PNG or JPEG"),
        (encode_image("a.webp", _noise()), "source_bytes must be PNG or JPEG"),
        (encode_image("a.bmp", _noise()), "source_bytes must be PNG or JPEG"),
        (b"GIF89a" + bytes(40), "source_bytes must be PNG or JPEG"),
        (pictures.huge_png(), "source_bytes must declare 1 to 64000000 pixels"),
        (pictures.png(2, 8, [], (0, 9)), "source_bytes must declare 1 to 64000000 pixels"),
        (pictures.png(2, 8, [], (2**32 - 1, 2**32 - 1)), "source_bytes must declare 1 to 64000000 pixels"),
        (pictures.huge_jpeg(), "source_bytes must declare 1 to 64000000 pixels"),
        (pictures.scanned_jpeg(8000, 8000, 25), "source_bytes must be a JPEG with fewer scans"),
        (pictures.scanned_jpeg(992, 8000, 194), "source_bytes must be a JPEG with fewer scans"),
        (pictures.scanned_jpeg(65500, 1, 768), "source_bytes must be a JPEG with fewer scans"),
        (pictures.crumbled_jpeg(1100), "source_bytes has more JPEG segments than the accepted"),
        (pictures.crumbled_png(1100), "source_bytes has more PNG chunks than the accepted"),
        (pictures.text_png(69), "source_bytes has more than 524288 bytes of compressed text"),
        (pictures.png(0, 1, [], (1_000_001, 1)), "each side at most 1000000"),
        (pictures.png(0, 1, [], (1, 64_000_000)), "each side at most 1000000"),
        *((sample.data, "source_bytes must be PNG or JPEG") for sample in files_only().values()),
        *((data, "source_bytes must be JPEG files of 8 bits") for data in STRANGE_JPEGS),
        *((data, "source_bytes must be PNG files whose PLTE and tRNS") for data in AMBIGUOUS_PNGS),
        (_JPEG[:2] + b"\xff" * 1100 + _JPEG[2:], "source_bytes must have JPEG files with a valid header"),
        (_JPEG[:20] + b"\0" + _JPEG[20:], "source_bytes must have JPEG files with a valid header"),
        (_JPEG[:8], "source_bytes has a truncated JPEG file in row"),
        (_JPEG[:-900], "source_bytes has a truncated JPEG file in row"),
        (_JPEG[:-2], "source_bytes has a truncated JPEG file in row"),
        (_PNG[:10], "source_bytes must declare 1 to 64000000 pixels"),
        (_PNG[:-900], "source_bytes has a truncated or damaged PNG file in row"),
        (_PNG[:-12], "source_bytes has a truncated or damaged PNG file in row"),
        (_PNG[:900] + b"\0\1\2" + _PNG[903:], "Invalid PNG data"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            decode(data)
        assert message in str(error.value)
        np.testing.assert_array_equal(decode(_PNG), _noise())
