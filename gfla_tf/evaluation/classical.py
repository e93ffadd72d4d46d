"""Classical optical flow as a reference for the flow field estimator: OpenCV's DIS and Farneback.

The model's flow is defined on the target and points into the source, so the classical flows are computed from
the target image to the source image. Their only inputs are the two images, without the poses.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from gfla_tf.viz import to_uint8

CLASSICAL_FLOWS = ("DIS, native", "DIS, 4x", "Farneback, native", "Farneback, 4x")
"""The names accepted by `classical_flow`: the method, and the image size at which it runs."""

_ENLARGEMENT = 4


def classical_flow(name: str, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Computes the flow of one pair.

    The variants "4x" enlarge both images four times (bicubic) and reduce the flow by averaging, because small
    images have too few pixels for classical methods.

    Args:
      name: one of `CLASSICAL_FLOWS`.
      source: [H, W, 3], uint8 or float in [-1, 1].
      target: as `source`.

    Returns:
      float32 [H, W, 2], (dx, dy) in pixels: target (x, y) corresponds to source (x + dx, y + dy).

    Raises:
      ValueError: the name is unknown.
    """
    if name not in CLASSICAL_FLOWS:
        raise ValueError(f"the classical flows are {', '.join(map(repr, CLASSICAL_FLOWS))}, got {name!r}")
    method, size = name.split(", ")
    compute = _METHODS[method]
    source, target = (cv2.cvtColor(to_uint8(image), cv2.COLOR_RGB2GRAY) for image in (source, target))
    if size == "native":
        return compute(target, source)
    height, width = target.shape
    large = (width * _ENLARGEMENT, height * _ENLARGEMENT)
    source, target = (cv2.resize(image, large, interpolation=cv2.INTER_CUBIC) for image in (source, target))
    flow = compute(target, source)
    return cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) / np.float32(_ENLARGEMENT)


def _dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense inverse search (Kroeger et al., 2016) with OpenCV's preset "medium"."""
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, None)


def _farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Farneback (2003): 5 levels, scale 0.5, window 19, 5 iterations, 7-pixel polynomials with sigma 1.5.

    These values gave about the smallest error on training pairs of SyntheticPeople, among windows from 9 to
    61 and both common polynomial sizes.
    """
    return cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 5, 19, 5, 7, 1.5, 0)


_METHODS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"DIS": _dis, "Farneback": _farneback}
