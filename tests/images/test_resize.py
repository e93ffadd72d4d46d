"""The named protocols against Pillow and OpenCV."""

import cv2
import numpy as np
import pytest
from PIL import Image

from gfla_tf.images.frame import resize_image
from gfla_tf.images.resize import resize

FILTERS = {"pil-bilinear": Image.Resampling.BILINEAR, "pil-bicubic": Image.Resampling.BICUBIC}

SIZES = [
    ((1101, 750), (256, 256)),  # DeepFashion
    ((256, 176), (256, 256)),
    ((128, 64), (128, 64)),
    ((37, 53), (91, 121)),  # enlarged
    ((101, 33), (47, 90)),  # one side each way, the height first
    ((33, 101), (90, 47)),
    ((97, 89), (13, 11)),
    ((200, 40), (100, 20)),  # the height first
    ((1, 1), (5, 7)),
    ((7, 5), (1, 1)),
    ((640, 3), (64, 3)),
]


def _pictures(height, width):
    random = np.random.default_rng(height * width)
    yield random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    yield random.choice(np.array([0, 255], np.uint8), (height, width, 3))  # cubic weights overshoot
    y, x = np.mgrid[:height, :width]
    yield np.stack([x % 256, y % 256, (x * y) % 256], -1).astype(np.uint8)


@pytest.mark.parametrize(("inner", "outer"), SIZES)
@pytest.mark.parametrize("interpolation", FILTERS)
def test_it_is_pillow_to_the_last_bit(interpolation, inner, outer):
    for rgb in _pictures(*inner):
        expected = np.asarray(Image.fromarray(rgb).resize(outer[::-1], FILTERS[interpolation]))
        np.testing.assert_array_equal(resize(rgb, outer, interpolation), expected)


@pytest.mark.parametrize("interpolation", FILTERS)
def test_random_sizes_are_pillow_to_the_last_bit(interpolation):
    random = np.random.default_rng(7)
    for _ in range(60):
        height, width, *outer = (int(side) for side in random.integers(1, 120, 4))
        rgb = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
        expected = np.asarray(Image.fromarray(rgb).resize(outer[::-1], FILTERS[interpolation]))
        np.testing.assert_array_equal(
            resize(rgb, tuple(outer), interpolation), expected, f"{height} x {width} to {outer}"
        )


def test_area_is_opencvs():
    (rgb, *_) = _pictures(110, 75)
    expected = cv2.resize(rgb, (32, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(resize(rgb, (48, 32), "area"), expected)
    assert resize(rgb[..., :1], (48, 32), "area").shape == (48, 32, 1)


def test_the_protocols_differ():
    (rgb, *_) = _pictures(110, 75)
    results = [resize(rgb, (48, 32), name).astype(int) for name in ("pil-bilinear", "pil-bicubic", "area")]
    assert all(np.abs(results[a] - results[b]).max() > 5 for a, b in ((0, 1), (0, 2), (1, 2)))


def test_what_is_resized_when_read_differs_from_pil_bilinear_by_rounding_only():
    for rgb in _pictures(137, 75):
        difference = resize(rgb, (64, 48), "pil-bilinear").astype(int) - resize_image(rgb, (64, 48))
        assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    ("rgb", "size", "interpolation", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), (2, 2), "bilinear", "interpolation must be one of"),
        (np.zeros((4, 4, 3), np.float32), (2, 2), "area", "uint8 .* got float32"),
        (np.zeros((4, 4), np.uint8), (2, 2), "area", r"got uint8 \(4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), (2, 2), "area", r"got uint8 \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.uint8), (0, 2), "area", r"size must be positive, got \(0, 2\)"),
    ],
)
def test_wrong_arguments_are_named(rgb, size, interpolation, message):
    with pytest.raises(ValueError, match=message):
        resize(rgb, size, interpolation)
