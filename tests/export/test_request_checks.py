"""Requests whose sizes exceed the limits are rejected before anything of these sizes is computed."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.export import request_checks as checks
from gfla_tf.export.file_limits import declared_pixels
from tests.images import pictures


def _rejected(check, *values):
    """Runs a check as a graph with inputs of unknown shape, and returns its error message."""
    specs = [tf.TensorSpec(None, tf.convert_to_tensor(value).dtype) for value in values]
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        tf.function(check, input_signature=specs)(*values)
    return str(error.value)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((64_000_000, 1), "(height, width) of 1 to 1000000 pixels, got"),
        ((1, 1_000_001), "(height, width) of 1 to 1000000 pixels, got"),
        ((2**31 - 1, 2**31 - 1), "(height, width) of 1 to 1000000 pixels, got"),
        ((8000, 8001), "images of at most 64000000 pixels, got"),
        ((-1, 5), "(height, width) of 1 to 1000000 pixels, got"),
    ],
)
def test_image_sizes(size, message):
    sizes = np.array([(1, 1_000_000), size], np.int32)
    assert message in _rejected(lambda value: checks.check_image_sizes(value, "size", 64_000_000), sizes)
    checks.check_image_sizes(tf.constant([[8000, 8000], [64, 1_000_000]]), "size", 64_000_000)


def test_numbers_of_rows_and_pixels():
    rows = _rejected(lambda value: checks.check_number_of_rows({"a": value}, 4)["a"], np.zeros((5, 2)))
    assert "a must have at most 4 rows in a request, got" in rows
    checks.check_number_of_rows({"a": tf.zeros((4, 2))}, 4)
    maps = np.zeros((3, 8, 16, 1), np.float32)
    pixels = _rejected(lambda value: checks.check_number_of_pixels({"a": value}, 383)["a"], maps)
    assert "a must have at most 383 pixels in a request, got rows, height and width" in pixels
    checks.check_number_of_pixels({"a": tf.constant(maps)}, 384)
    counts = np.full(3, 2**62, np.int64) // 2
    total = _rejected(lambda value: checks.check_total_pixels(value, value, "a", 100), counts[:2])
    assert "a must have at most 100 pixels over all rows of a request, got" in total


@pytest.mark.parametrize(
    ("data", "pixels"),
    [
        (pictures.png(0, 1, [], (30, 40)), 1200),
        (pictures.scanned_jpeg(30, 40, 6), 1200),
        (pictures.png(0, 1, [], (31, 40)), 0),
        (pictures.png(0, 1, [], (2**32 - 1, 2**32 - 1)), 0),
        (b"GIF89a", 0),
        (b"", 0),
    ],
)
def test_declared_pixels(data, pixels):
    assert declared_pixels(tf.constant(data), 1200) == pixels
