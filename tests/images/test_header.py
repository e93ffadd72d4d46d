"""Files that are small but expensive to decode are refused before they are decoded."""

import time

import pytest

from gfla_tf.images.header import HeaderError, read_header
from gfla_tf.images.limits import MAX_SCANS
from tests.images import pictures


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pictures.scanned_jpeg(8000, 8000, MAX_SCANS + 1), "is a JPEG of 25 scans"),
        (pictures.scanned_jpeg(992, 8000, 194), "is a JPEG of 194 scans"),
        (pictures.scanned_jpeg(65500, 1, 32 * MAX_SCANS), "is a JPEG of 768 scans"),
        (pictures.crumbled_jpeg(1100), "is a JPEG of more than 1,004 segments"),
        (pictures.crumbled_png(1100), "is a PNG of more than 1,012 chunks"),
        (
            pictures.text_png(69),
            "bytes of compressed text and color profiles, more than the 524,288 that are accepted",
        ),
        (pictures.png(0, 1, [], (1_000_001, 1)), "a side of more than 1,000,000"),
        (pictures.png(0, 1, [], (1, 64_000_000)), "a side of more than 1,000,000"),
        (pictures.huge_webp(16384), "declares 16384 x 16384 pixels, more than"),
        (pictures.run_length_bmp(64, 1_000_000), "is a run-length encoded BMP of more than 4,000,000 pixels"),
    ],
)
def test_expensive_files(data, message):
    assert len(data) < 2**20
    begin = time.process_time()
    with pytest.raises(HeaderError, match=message):
        read_header(data)
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "data",
    [
        pictures.scanned_jpeg(8000, 8000, MAX_SCANS),
        pictures.scanned_jpeg(992, 8000, 193),
        pictures.scanned_jpeg(16, 16, 900),
        pictures.crumbled_jpeg(900),
        pictures.crumbled_png(900),
        pictures.plain_text_png(600_000),
        pictures.png(0, 1, [bytes(125_000)], (1, 1_000_000)),
        pictures.run_length_bmp(1000, 4000),
    ],
)
def test_files_within_the_limits(data):
    read_header(data)


def test_a_smaller_limit_of_pixels_also_limits_scans():
    read_header(pictures.scanned_jpeg(1000, 1000, MAX_SCANS), max_pixels=10**6)
    with pytest.raises(HeaderError, match="is a JPEG of 25 scans"):
        read_header(pictures.scanned_jpeg(1000, 1000, MAX_SCANS + 1), max_pixels=10**6)
    with pytest.raises(HeaderError, match="more than the 999,999 that are accepted"):
        read_header(pictures.scanned_jpeg(1000, 1000, 6), max_pixels=999_999)
