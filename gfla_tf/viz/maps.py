"""Visualization of masks and of the source locations that the local attention samples."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from gfla_tf.viz.images import resize, to_uint8
from gfla_tf.viz.pose import JOINT_COLORS


def mask_to_image(mask: ArrayLike, out_size: tuple[int, int] | None = None) -> np.ndarray:
    """Converts a mask to a gray image: white where the attention result is used.

    Args:
      mask: [h, w] or [h, w, 1] in [0, 1].
      out_size: (H, W) of the result; the mask's size by default.

    Returns:
      uint8 RGB [H, W, 3].
    """
    mask = np.asarray(mask, np.float32).reshape(np.shape(mask)[:2])
    gray = np.rint(np.clip(mask, 0, 1) * 255).astype(np.uint8)
    if out_size is not None:
        gray = resize(gray, out_size)
    return np.repeat(gray[..., None], 3, -1)


def heat_to_image(values: ArrayLike, out_size: tuple[int, int] | None = None) -> np.ndarray:
    """Converts values to colors of the viridis map: 0 is dark violet, 0.6 green and 1 yellow.

    Args:
      values: [h, w] in [0, 1].
      out_size: (H, W) of the result; the size of `values` by default.

    Returns:
      uint8 RGB [H, W, 3].
    """
    level = np.rint(np.clip(np.asarray(values, np.float32), 0, 1) * 255).astype(np.uint8)
    if out_size is not None:
        level = resize(level, out_size)
    return cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)


def attention_reads(attention: ArrayLike, flow: ArrayLike, weight: ArrayLike | None = None) -> np.ndarray:
    """Returns the total weight with which an attention block samples each source location.

    The attention weights (Eq. 9) are scattered to the sampled locations, bilinearly.

    Args:
      attention: [h, w, n*n], the softmax over the taps (row-major, y first) at each target location.
      flow: [h, w, 2] (dx, dy), pixels of the h x w map.
      weight: [h, w] or [h, w, 1], the weight of each target location, for example the mask; 1 by default.

    Returns:
      float32 [h, w]. Locations outside the map are clamped to its border, so the sum is that of `attention`
      multiplied by `weight`.

    Raises:
      ValueError: the shapes do not match, or the number of taps is not the square of an odd number.
    """
    attention, flow = np.asarray(attention, np.float32), np.asarray(flow, np.float32)
    height, width, taps = attention.shape if attention.ndim == 3 else (0, 0, 0)
    n = round(taps**0.5)
    if n * n != taps or n % 2 == 0 or flow.shape != (height, width, 2):
        raise ValueError(
            "attention must be [h, w, n*n] with odd n, and flow [h, w, 2], "
            f"got {attention.shape} and {flow.shape}"
        )
    weight = np.ones((height, width), np.float32) if weight is None else np.asarray(weight, np.float32)
    if weight.reshape(-1).size != height * width:
        raise ValueError(f"weight must be [h, w] = {(height, width)}, got {weight.shape}")
    weight = weight.reshape(height, width)
    grid_y, grid_x = np.nonzero(weight)
    weighted = attention[grid_y, grid_x] * weight[grid_y, grid_x, None]  # [locations, n*n]
    tap_y, tap_x = np.divmod(np.arange(taps), n)
    base = flow[grid_y, grid_x]
    y = (grid_y + base[:, 1])[:, None] + (tap_y - n // 2)
    x = (grid_x + base[:, 0])[:, None] + (tap_x - n // 2)
    y0, x0 = np.floor(y), np.floor(x)
    result = np.zeros(height * width)
    for step_y in (0, 1):
        for step_x in (0, 1):
            share = np.abs(1 - step_y - (y - y0)) * np.abs(1 - step_x - (x - x0)) * weighted
            rows = np.clip(y0 + step_y, 0, height - 1).astype(np.int64)
            columns = np.clip(x0 + step_x, 0, width - 1).astype(np.int64)
            result += np.bincount((rows * width + columns).ravel(), share.ravel(), height * width)
    return result.reshape(height, width).astype(np.float32)


def attention_map(
    source_image: ArrayLike,
    attention: ArrayLike,
    flow: ArrayLike,
    mask: ArrayLike | None = None,
    out_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Overlays the source image with the heatmap of `attention_reads`.

    Args:
      source_image: [H, W, 3], uint8 or float in [-1, 1].
      attention: [h, w, n*n], of one block, without a batch axis.
      flow: [h, w, 2], of the same block.
      mask: [h, w] or [h, w, 1], the mask of the same block, which weights the target locations.
      out_size: (H, W) of the result; the size of the source by default.

    Returns:
      uint8 RGB.
    """
    image = to_uint8(source_image)
    size = out_size or image.shape[:2]
    reads = attention_reads(attention, flow, mask)
    level = np.clip(reads / max(float(np.percentile(reads, 99)), 1e-6), 0, 1) ** 0.5
    heat = heat_to_image(level, size).astype(np.float32)
    share = 0.25 + 0.45 * cv2.resize(level, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)[..., None]
    gray = cv2.cvtColor(resize(image, size), cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    return np.rint(gray * (1 - share) + heat * share).astype(np.uint8)


def joint_attention(
    source_image: ArrayLike,
    attention: ArrayLike,
    flow: ArrayLike,
    target_keypoints: ArrayLike,
    out_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Draws the source locations that the attention samples for each joint of the target pose.

    The n x n taps of each joint are drawn in the joint's color on the darkened source; the opacity is
    proportional to the attention weight.

    Args:
      source_image: [H, W, 3], uint8 or float in [-1, 1].
      attention: [h, w, n*n], of one block, without a batch axis.
      flow: [h, w, 2], of the same block.
      target_keypoints: [18, 2] (y, x) in pixels of `source_image`, negative where missing.
      out_size: (H, W) of the result; the size of the source by default.

    Returns:
      uint8 RGB.
    """
    image = to_uint8(source_image)
    attention, flow = np.asarray(attention, np.float32), np.asarray(flow, np.float32)
    size = out_size or image.shape[:2]
    ratio = np.array(flow.shape[:2]) / np.array(image.shape[:2])
    gray = cv2.cvtColor(resize(image, size), cv2.COLOR_RGB2GRAY)[..., None]
    result = np.repeat(gray, 3, -1).astype(np.float32) * 0.55
    for (y, x), color in zip(np.asarray(target_keypoints, np.float32), JOINT_COLORS, strict=True):
        if not (y >= 0 and x >= 0):
            continue
        at_y, at_x = np.minimum(((np.array([y, x]) + 0.5) * ratio).astype(int), np.array(flow.shape[:2]) - 1)
        weight = np.zeros(flow.shape[:2], np.float32)
        weight[at_y, at_x] = 1.0
        level = attention_reads(attention, flow, weight)
        level = cv2.resize(
            level / max(float(level.max()), 1e-6), (size[1], size[0]), interpolation=cv2.INTER_CUBIC
        )
        level = np.clip(level, 0, 1)[..., None]
        result = result * (1 - level) + color.astype(np.float32) * level
    return np.rint(np.clip(result, 0, 255)).astype(np.uint8)
