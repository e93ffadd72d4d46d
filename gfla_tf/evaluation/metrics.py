"""Image, flow and mask metrics, in NumPy and OpenCV.

Images are [B, H, W, 3], float in [-1, 1] (data range 2) or uint8 in [0, 255]. Every image metric returns one
value per image, float64 [B], so that the mean over a test set is the mean over its images. A `region`, bool
[B, H, W], restricts a metric to part of each image, for example to the person; the value of an image with an
empty region is NaN.
"""

from __future__ import annotations

import cv2
import numpy as np

from gfla_tf.images.scaling import scale_images

DATA_RANGE = 2.0
"""The data range of images in [-1, 1]."""

_SSIM_WINDOW = 11
_SSIM_SIGMA = 1.5


def l1(generated: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Mean absolute error in units of the [-1, 1] scale, float64 [B]."""
    generated, target = _pair(generated, target)
    return _region_mean(np.abs(generated - target).mean(-1), region)


def psnr(generated: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Peak signal-to-noise ratio in dB, 10 log10(2² / mean squared error), float64 [B]; inf if equal."""
    generated, target = _pair(generated, target)
    error = _region_mean(np.square(generated - target).mean(-1), region)
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(DATA_RANGE**2 / error)


def ssim(generated: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Structural similarity (Wang et al., 2004), float64 [B].

    The parameters are the standard ones: an 11 x 11 Gaussian window with sigma 1.5, K1 = 0.01, K2 = 0.03. The
    SSIM of the RGB channels is averaged. Without a region, the mean is over the positions whose window is
    inside the image, as in `tf.image.ssim`; with a region, it is over the region, and images are reflected at
    their borders.

    Raises:
      ValueError: an image is smaller than the window, or the shapes do not match.
    """
    values = ssim_map(generated, target)
    if region is None:
        edge = _SSIM_WINDOW // 2
        return values[:, edge:-edge, edge:-edge].mean((1, 2), dtype=np.float64)
    return _region_mean(values, region)


def ssim_map(generated: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The SSIM of the window around each pixel, averaged over the channels, float64 [B, H, W]; see `ssim`.

    It is computed in float64: in flat, bright windows, the variances are differences of almost equal numbers.

    Raises:
      ValueError: an image is smaller than the window, or the shapes do not match.
    """
    generated, target = _pair(generated, target)
    if min(generated.shape[1:3]) < _SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs images of at least 11 x 11 pixels, got {generated.shape[1]} x {generated.shape[2]}"
        )
    c1, c2 = (0.01 * DATA_RANGE) ** 2, (0.03 * DATA_RANGE) ** 2
    maps = []
    for x, y in zip(generated, target, strict=True):
        x, y = x.astype(np.float64) + 1.0, y.astype(np.float64) + 1.0  # luminance must not be negative
        mean_x, mean_y = _blur(x), _blur(y)
        var_x = _blur(x * x) - mean_x**2
        var_y = _blur(y * y) - mean_y**2
        covariance = _blur(x * y) - mean_x * mean_y
        luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
        structure = (2 * covariance + c2) / (var_x + var_y + c2)
        maps.append((luminance * structure).mean(-1))
    return np.stack(maps) if maps else np.zeros(generated.shape[:3])


def endpoint_error(flow: np.ndarray, true_flow: np.ndarray) -> np.ndarray:
    """The Euclidean distance in pixels between two flows [..., 2], float32 [...].

    Raises:
      ValueError: the shapes do not match.
    """
    flow, true_flow = np.asarray(flow, np.float32), np.asarray(true_flow, np.float32)
    if flow.shape != true_flow.shape or flow.shape[-1:] != (2,):
        raise ValueError(
            f"two flows [..., 2] of the same shape are required, got {flow.shape} and {true_flow.shape}"
        )
    return np.linalg.norm(flow - true_flow, axis=-1)


def roc_auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The area under the ROC curve.

    It is the probability that a positive has a higher score than a negative, where ties count half.

    Args:
      scores: any shape; a higher score means more likely positive.
      labels: the same shape; true or 1 is positive.

    Returns:
      A float in [0, 1]; NaN if one of the two classes is empty.

    Raises:
      ValueError: the numbers of scores and labels differ.
    """
    scores, labels = np.ravel(np.asarray(scores)), np.ravel(np.asarray(labels)).astype(bool)
    if scores.shape != labels.shape:
        raise ValueError(f"as many labels as scores are required, got {labels.size} and {scores.size}")
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    positives = np.bincount(inverse, weights=labels, minlength=len(values))
    return auc_from_counts(positives, counts - positives)


def auc_from_counts(positives: np.ndarray, negatives: np.ndarray) -> float:
    """`roc_auc` from the numbers of positives [K] and negatives [K] per score, in ascending order."""
    positives, negatives = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    pairs = positives.sum() * negatives.sum()
    if pairs == 0:
        return float("nan")
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + 0.5 * negatives)).sum() / pairs)


def _pair(generated, target) -> tuple[np.ndarray, np.ndarray]:
    generated, target = _image(generated, "generated"), _image(target, "target")
    if generated.shape != target.shape or generated.ndim != 4 or generated.shape[-1] != 3:
        raise ValueError(
            f"two batches [B, H, W, 3] of one shape are required, got {generated.shape} and {target.shape}"
        )
    return generated, target


def _image(images, name) -> np.ndarray:
    """Images in [-1, 1], float32 or float64."""
    images = scale_images(images, f"the {name} images").numpy()
    return images if images.dtype == np.float64 else images.astype(np.float32)


def _region_mean(values: np.ndarray, region) -> np.ndarray:
    """The mean of values [B, H, W] over each image or its region, float64 [B]."""
    if region is None:
        return values.mean((1, 2), dtype=np.float64)
    region = np.asarray(region, bool)
    if region.shape != values.shape:
        raise ValueError(f"region must be [B, H, W] = {values.shape}, got {region.shape}")
    with np.errstate(invalid="ignore"):
        return (values * region).sum((1, 2), dtype=np.float64) / region.sum((1, 2))


def _blur(image: np.ndarray) -> np.ndarray:
    """The Gaussian window's weighted mean around each pixel of [H, W, 3], reflected at the border."""
    return cv2.GaussianBlur(
        image, (_SSIM_WINDOW, _SSIM_WINDOW), _SSIM_SIGMA, borderType=cv2.BORDER_REFLECT_101
    )
