"""Images decoded in the graph match those of `gfla_tf.images.io`, and invalid files are rejected."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.export.encoded_images import decode_png_or_jpeg, encode_png
from gfla_tf.images.io import decode_image, encode_image
from tests.images import pictures

ROWS = [bytes(range(n, n + 40)) * 2 for n in range(30)]


@pytest.fixture(scope="module")
def decode():
    return tf.function(
        lambda data: decode_png_or_jpeg(data, 7, "source_bytes"),
        input_signature=[tf.TensorSpec([], tf.string)],
    )


def _noise():
    return np.random.default_rng(0).integers(0, 256, (61, 53, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "atol"),
    [
        *(("noise.jpg", 0), ("noise.png", 0), ("gray.png", 0), ("gray16.png", 0), ("rgb16.png", 0)),
        *(("gray_alpha.png", 0), ("rgba.png", 0), ("rgba16.png", 1), ("palette.png", 0), ("cmyk.jpg", 1)),
    ],
)
def test_images_match_those_of_images_io(decode, name, atol):
    """16 bits with alpha, and CMYK, are rounded in another order there: one level of difference."""
    import cv2

    deep = np.random.default_rng(1).integers(0, 65536, (9, 11, 4)).astype(np.uint16)
    files = {
        "noise.jpg": lambda: encode_image("a.jpg", _noise(), quality=70),
        "noise.png": lambda: encode_image("a.png", _noise()),
        "gray.png": lambda: pictures.png(0, 8, [row[:40] for row in ROWS], (30, 40)),
        "gray16.png": lambda: pictures.png(0, 16, ROWS, (30, 40)),
        "rgb16.png": lambda: cv2.imencode(".png", deep[..., :3])[1].tobytes(),
        "gray_alpha.png": lambda: pictures.png(4, 8, ROWS, (30, 40)),
        "rgba.png": lambda: pictures.png(6, 8, [row * 2 for row in ROWS], (30, 40)),
        "rgba16.png": lambda: cv2.imencode(".png", deep)[1].tobytes(),
        "palette.png": lambda: pictures.palette_png(30, 40),
        "cmyk.jpg": lambda: Path(__file__).parents[1].joinpath("images", "cmyk.jpg").read_bytes(),
    }
    data = files[name]()
    expected = decode_image(data)
    actual = decode(data).numpy()
    assert actual.shape == expected.shape
    assert np.abs(actual.astype(int) - expected).max() <= atol


def test_encode_png_is_lossless(decode):
    data = encode_png(_noise()).numpy()
    np.testing.assert_array_equal(decode_image(data), _noise())
    np.testing.assert_array_equal(decode(data), _noise())


_JPEG = encode_image("a.jpg", _noise())
_PNG = encode_image("a.png", _noise())


@pytest.mark.parametrize(
    "data",
    [
        pictures.scanned_jpeg(16, 16, 900),
        pictures.crumbled_jpeg(900),
        pictures.crumbled_png(900),
        _JPEG + b"\xff\xda\0\2" * 900,  # after the end, as in photos with a video
        _JPEG[:2] + b"\xff\xfe\xff\xff" + b"\xff\xda" * 32766 + b"\0" + _JPEG[2:],
        pictures.png(0, 1, [bytes(125_000)], (1, 1_000_000)),
    ],
)
def test_files_within_the_limits_match_those_of_images_io(decode, data):
    np.testing.assert_array_equal(decode(data).numpy(), decode_image(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
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
        (pictures.text_png(69), "source_bytes has more than 524288 bytes of text"),
        (pictures.png(0, 1, [], (1_000_001, 1)), "each side at most 1000000"),
        (pictures.png(0, 1, [], (1, 64_000_000)), "each side at most 1000000"),
        (_JPEG[:8], "Invalid JPEG data"),
        (_JPEG[:-900], "Invalid JPEG data"),
        (_PNG[:10], "source_bytes must declare 1 to 64000000 pixels"),
        (_PNG[:-900], "Invalid PNG data"),
        (_PNG[:-12], "Invalid PNG data"),
        (_PNG[:900] + b"\0\1\2" + _PNG[903:], "Invalid PNG data"),
    ],
)
def test_invalid_files_are_rejected(decode, data, message):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        decode(data)
    assert message in str(error.value)
    np.testing.assert_array_equal(decode(_PNG), _noise())
