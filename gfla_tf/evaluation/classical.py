"""Classical optical flow as a yardstick for the flow field estimator: OpenCV's DIS and Farneback.

The model's flow lives on the target and points into the source, so the classical ones are computed from the
target image to the source image. They see the two images only; they are told no pose.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from gfla_tf.viz import to_uint8

CLASSICAL_FLOWS = ("DIS, native", "DIS, 4x", "Farneback, native", "Farneback, 4x")
"""The names that `classical_flow` takes: the method, and the image size on which it runs."""

_ENLARGEMENT = 4


def classical_flow(name: str, source, target) -> np.ndarray:
    """The flow of one pair.

    Args:
      name: one of `CLASSICAL_FLOWS`. "4x": both images are enlarged four times (cubic) first, and the flow
        is averaged down; small images leave classical methods too few pixels.
      source, target: [H, W, 3], uint8 or float in [-1, 1].

    Returns:
      float32 [H, W, 2] (dx, dy) in pixels of H x W: target (x, y) is source (x + dx, y + dy).

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
    """Dense inverse search (Kroeger et al., 2016), OpenCV's preset "medium"."""
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, None)


def _farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Farneback (2003): up to 5 levels by 0.5, window 19, 5 iterations, polynomials on 7 pixels, sigma 1.5.

    Of the windows from 9 to 61 and both usual polynomials, about the best on training pairs of
    SyntheticPeople.
    """
    return cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 5, 19, 5, 7, 1.5, 0)


_METHODS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"DIS": _dis, "Farneback": _farneback}
