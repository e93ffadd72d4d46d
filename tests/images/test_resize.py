"""Tests of the resizing protocols: compared with recorded results and with OpenCV."""

import zlib

import cv2
import numpy as np
import pytest

from gfla_tf.images.frame import resize_image
from gfla_tf.images.resize import resize

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


def _images(height, width):
    random = np.random.default_rng(height * width)
    yield random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    yield random.choice(np.array([0, 255], np.uint8), (height, width, 3))  # cubic weights overshoot
    y, x = np.mgrid[:height, :width]
    yield np.stack([x % 256, y % 256, (x * y) % 256], -1).astype(np.uint8)


RECORDED = {  # CRC-32 of the results
    "pil-bilinear": [
        [3016083155, 4145534150, 2232375786],
        [2309288764, 206360375, 383591435],
        [4260671789, 2700733782, 4038974791],
        [2616612696, 2277312628, 699349226],
        [498495796, 2500246627, 4026562402],
        [3601953437, 2195107823, 3369065569],
        [3231965609, 1966920248, 2335741452],
        [1060949864, 2925072754, 3093238949],
        [452938470, 3154844719, 2030357974],
        [1584903749, 1496222778, 1049361290],
        [719748705, 759336210, 421322885],
    ],
    "pil-bicubic": [
        [324575408, 3309497139, 988033725],
        [3168801020, 2050757723, 3644463909],
        [4260671789, 2700733782, 4038974791],
        [643211002, 438248291, 1103375803],
        [2576748453, 2318332406, 3163288679],
        [581261930, 3339807033, 3552903758],
        [2643330120, 2343334874, 1207417223],
        [196703733, 2386621327, 3014753896],
        [452938470, 3154844719, 2030357974],
        [2129152866, 1608863441, 1049361290],
        [3677183680, 2253220099, 4089014064],
    ],
}


@pytest.mark.parametrize("interpolation", ["pil-bilinear", "pil-bicubic"])
def test_pillow_protocols_give_the_recorded_images(interpolation):
    """Recorded from an implementation in NumPy that equalled Pillow 13's for all these images."""
    for (inner, outer), recorded in zip(SIZES, RECORDED[interpolation], strict=True):
        results = [resize(rgb, outer, interpolation) for rgb in _images(*inner)]
        assert [result.shape for result in results] == [(*outer, 3)] * 3
        assert [zlib.crc32(result.tobytes()) for result in results] == recorded, f"{inner} to {outer}"


def test_area_equals_opencv():
    (rgb, *_) = _images(110, 75)
    expected = cv2.resize(rgb, (32, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(resize(rgb, (48, 32), "area"), expected)


def test_the_protocols_differ():
    (rgb, *_) = _images(110, 75)
    results = [resize(rgb, (48, 32), name).astype(int) for name in ("pil-bilinear", "pil-bicubic", "area")]
    assert all(np.abs(results[a] - results[b]).max() > 5 for a, b in ((0, 1), (0, 2), (1, 2)))


def test_resizing_at_reading_differs_from_pil_bilinear_by_rounding_only():
    for rgb in _images(137, 75):
        difference = resize(rgb, (64, 48), "pil-bilinear").astype(int) - resize_image(rgb, (64, 48))
        assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    ("rgb", "size", "interpolation", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), (2, 2), "bilinear", "interpolation must be one of"),
        (np.zeros((4, 4, 3), np.float32), (2, 2), "area", "uint8 .* got float32"),
        (np.zeros((4, 4), np.uint8), (2, 2), "area", r"got uint8 \(4, 4\)"),
        (np.zeros((4, 4, 1), np.uint8), (2, 2), "area", r"got uint8 \(4, 4, 1\)"),
        (np.zeros((0, 4, 3), np.uint8), (2, 2), "area", r"got uint8 \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.uint8), (0, 2), "area", r"size must be positive, got \(0, 2\)"),
    ],
)
def test_wrong_arguments_are_named(rgb, size, interpolation, message):
    with pytest.raises(ValueError, match=message):
        resize(rgb, size, interpolation)
