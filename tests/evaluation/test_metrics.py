import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.evaluation import metrics
from gfla_tf.evaluation.accumulators import AreaUnderCurve, ErrorStatistics


def images(seed, count=3, size=(24, 20)):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *size, 3)).astype(np.float32)


def test_l1_of_image_and_region():
    a, b = np.zeros((2, 12, 12, 3), np.float32), np.zeros((2, 12, 12, 3), np.float32)
    b[0, :6] = 1.0
    region = np.zeros((2, 12, 12), bool)
    region[:, :3] = True
    np.testing.assert_allclose(metrics.l1(a, b), [0.5, 0.0])
    np.testing.assert_allclose(metrics.l1(a, b, region), [1.0, 0.0])


def test_an_empty_region_gives_nan_for_that_image_only():
    region = np.zeros((2, 24, 20), bool)
    region[0] = True
    values = metrics.l1(images(0, 2), images(1, 2), region)
    assert values[0] == metrics.l1(images(0, 1), images(1, 1))[0]
    assert np.isnan(values[1])


@pytest.mark.parametrize("size", [(24, 20), (64, 64), (11, 11)])
def test_ssim_and_psnr_equal_those_of_tensorflow(size):
    a = images(0, size=size)
    b = np.clip(a + 0.3 * images(1, size=size), -1, 1)
    np.testing.assert_allclose(metrics.ssim(a, b), tf.image.ssim(a + 1, b + 1, 2.0), atol=2e-5)
    np.testing.assert_allclose(metrics.psnr(a, b), tf.image.psnr(a + 1, b + 1, 2.0), rtol=1e-5)


def _ssim_in_float64(a, b):
    """SSIM maps [B, H, W] with the reflection of the borders written out."""
    a, b = a.astype("float64") + 1, b.astype("float64") + 1
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()

    def blur(x):
        for axis in (1, 2):
            size = x.shape[axis]
            padded = np.pad(x, [(5 * (i == axis),) * 2 for i in range(4)], mode="reflect")
            x = sum(w * np.take(padded, range(i, i + size), axis) for i, w in enumerate(window))
        return x

    c1, c2 = 0.02**2, 0.06**2
    mean_a, mean_b = blur(a), blur(b)
    covariance = blur(a * b) - mean_a * mean_b
    variances = blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * (2 * covariance + c2) / (variances + c2)).mean(-1)


def test_ssim_of_flat_white_images_is_precise():
    white = np.ones((2, 16, 14, 3), np.float32)
    darker = white - np.float32([0, 2 / 255])[:, None, None, None]
    mean_a, mean_b, c1 = 2.0, 2.0 - 2 / 255, 0.02**2
    exact = [1.0, (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)]  # no variance: luminance only
    np.testing.assert_allclose(metrics.ssim(white, darker), exact, rtol=0, atol=1e-7)
    noisy = np.clip(white - 0.02 * (images(3, 2, (16, 14)) + 1), -1, 1)
    for other in (darker, noisy, images(4, 2, (16, 14))):
        np.testing.assert_allclose(
            metrics.ssim_map(noisy, other), _ssim_in_float64(noisy, other), rtol=0, atol=1e-9
        )


def test_images_are_read_as_by_the_networks():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 16, 12, 3), dtype=np.uint8)
    generated, target = pixels
    for metric in (metrics.l1, metrics.psnr, metrics.ssim):
        expected = metric(generated / 127.5 - 1, target / 127.5 - 1)
        np.testing.assert_allclose(metric(generated, target), expected, rtol=1e-5)
        np.testing.assert_allclose(metric(generated, target / 127.5 - 1), expected, rtol=1e-5)
        with pytest.raises(ValueError, match=r"the target images must be uint8 .* 0 to 255"):
            metric(generated, np.resize(np.float32([0, 255]), target.shape))


def test_equal_images():
    a = images(0)
    np.testing.assert_allclose(metrics.ssim(a, a), 1.0, atol=1e-6)
    assert np.isposinf(metrics.psnr(a, a)).all()
    assert (metrics.l1(a, a) == 0).all()


def test_ssim_of_a_region_is_the_mean_of_the_map():
    a, b = images(0), images(1)
    region = np.random.default_rng(2).random((3, 24, 20)) > 0.5
    expected = [one[where].mean() for one, where in zip(metrics.ssim_map(a, b), region, strict=True)]
    np.testing.assert_allclose(metrics.ssim(a, b, region), expected, rtol=1e-5)


def test_a_region_of_all_pixels_gives_the_l1_and_psnr_of_the_image():
    a, b = images(0), images(1)
    everything = np.ones((3, 24, 20), bool)
    np.testing.assert_allclose(metrics.l1(a, b, everything), metrics.l1(a, b))
    np.testing.assert_allclose(metrics.psnr(a, b, everything), metrics.psnr(a, b))


def test_wrong_shapes_are_reported():
    with pytest.raises(ValueError, match=r"\(3, 24, 20, 3\) and \(2, 24, 20, 3\)"):
        metrics.l1(images(0), images(0, 2))
    with pytest.raises(ValueError, match="11 x 11"):
        metrics.ssim(images(0, size=(10, 20)), images(1, size=(10, 20)))
    with pytest.raises(ValueError, match="region"):
        metrics.l1(images(0), images(1), np.ones((3, 24), bool))
    with pytest.raises(ValueError, match="two flows"):
        metrics.endpoint_error(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="as many labels"):
        metrics.roc_auc([0.1, 0.2], [1])


def test_endpoint_error():
    flow = np.array([[3.0, 4.0], [1.0, 1.0]])
    np.testing.assert_allclose(metrics.endpoint_error(flow, np.array([[0.0, 0.0], [1.0, 1.0]])), [5.0, 0.0])


def test_roc_auc_is_the_fraction_of_ordered_pairs():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 9, 80) / 8, rng.random(80) > 0.6
    difference = scores[labels][:, None] - scores[~labels][None]
    expected = (difference > 0).mean() + 0.5 * (difference == 0).mean()
    assert metrics.roc_auc(scores, labels) == pytest.approx(expected)
    assert metrics.roc_auc([0.1, 0.9], [0, 1]) == 1.0
    assert metrics.roc_auc([0.5, 0.5], [0, 1]) == 0.5
    assert np.isnan(metrics.roc_auc([0.5, 0.5], [1, 1]))


def test_area_under_curve_in_batches():
    rng = np.random.default_rng(0)
    labels = rng.random(4000) > 0.3
    scores = np.clip(rng.normal(0.4, 0.2, 4000) + 0.2 * labels, 0, 1)
    area = AreaUnderCurve()
    for part in np.split(np.arange(4000), 8):
        area.add(scores[part], labels[part])
    assert area.value == pytest.approx(metrics.roc_auc(scores, labels), abs=1e-4)
    assert np.isnan(AreaUnderCurve().value)


def test_error_statistics_in_batches():
    errors = np.random.default_rng(0).gamma(1.5, 3.0, 9001).astype(np.float32)
    statistics = ErrorStatistics()
    for part in np.array_split(errors, 7):
        statistics.add(part)
    assert statistics.count == 9001
    assert statistics.mean == pytest.approx(errors.mean(), rel=1e-5)
    assert statistics.median == pytest.approx(np.median(errors), abs=2e-3)


def test_error_statistics_without_errors_of_zeros_and_of_nan():
    statistics = ErrorStatistics()
    assert np.isnan(statistics.mean)
    assert np.isnan(statistics.median)
    statistics.add(np.zeros(5))
    assert (statistics.mean, statistics.median) == (0.0, 0.0)
    with pytest.raises(ValueError, match="1 of 2 errors"):
        statistics.add([1.0, np.nan])
