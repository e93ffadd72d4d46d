"""Masks, and what the local attention reads, as pictures."""

from __future__ import annotations

import cv2
import numpy as np

from gfla_tf.viz.images import resize, to_uint8
from gfla_tf.viz.pose import JOINT_COLOURS


def mask_to_image(mask, out_size: tuple[int, int] | None = None) -> np.ndarray:
    """A mask [h, w] or [h, w, 1] in [0, 1] as grey uint8 RGB [H, W, 3]: white = taken from the source by
    attention.
    """
    mask = np.asarray(mask, np.float32).reshape(np.shape(mask)[:2])
    grey = np.rint(np.clip(mask, 0, 1) * 255).astype(np.uint8)
    if out_size is not None:
        grey = resize(grey, out_size)
    return np.repeat(grey[..., None], 3, -1)


def heat_to_image(values, out_size: tuple[int, int] | None = None) -> np.ndarray:
    """Values [h, w] in [0, 1] as uint8 RGB with the viridis scale: dark violet 0, green 0.6, yellow 1."""
    level = np.rint(np.clip(np.asarray(values, np.float32), 0, 1) * 255).astype(np.uint8)
    if out_size is not None:
        level = resize(level, out_size)
    return cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)


def attention_reads(attention, flow, weight=None) -> np.ndarray:
    """Where in the source one attention block reads, and how much: a scatter of its weights (Eq. 9) into the
    source.

    Args:
      attention: [h, w, n*n], the softmax over the taps (row-major, y first) of each target location.
      flow: [h, w, 2] (dx, dy), pixels of the h x w map.
      weight: None (1 everywhere) or [h, w] or [h, w, 1], the weight of each target location, for example the
        mask.

    Returns:
      float32 [h, w], the total weight read at each source location (borders clamped); its sum is the
      weights' sum.

    Raises:
      ValueError: the shapes do not belong together, or the taps are no square of an odd number.
    """
    attention, flow = np.asarray(attention, np.float32), np.asarray(flow, np.float32)
    height, width, taps = attention.shape if attention.ndim == 3 else (0, 0, 0)
    n = round(taps**0.5)
    if n * n != taps or n % 2 == 0 or flow.shape != (height, width, 2):
        raise ValueError(
            f"attention is [h, w, n*n], n odd, with a flow [h, w, 2]; got {attention.shape}, {flow.shape}"
        )
    weight = np.ones((height, width), np.float32) if weight is None else np.asarray(weight, np.float32)
    if weight.reshape(-1).size != height * width:
        raise ValueError(f"weight is [h, w] = {(height, width)}, got {weight.shape}")
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
    source_image, attention, flow, mask=None, out_size: tuple[int, int] | None = None
) -> np.ndarray:
    """The source picture under the heat of `attention_reads`: bright where much is read, dark where nothing
    is.

    Args:
      source_image: [H, W, 3], uint8 or float in [-1, 1].
      attention, flow: one block's, without the batch axis; see `attention_reads`.
      mask: None or that block's mask [h, w] or [h, w, 1]: reads that the mask discards are not counted.
      out_size: (H, W) of the result; None: the source's.

    Returns:
      uint8 RGB.
    """
    picture = to_uint8(source_image)
    size = out_size or picture.shape[:2]
    reads = attention_reads(attention, flow, mask)
    level = np.clip(reads / max(float(np.percentile(reads, 99)), 1e-6), 0, 1) ** 0.5
    heat = heat_to_image(level, size).astype(np.float32)
    share = 0.25 + 0.45 * cv2.resize(level, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)[..., None]
    grey = cv2.cvtColor(resize(picture, size), cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    return np.rint(grey * (1 - share) + heat * share).astype(np.uint8)


def joint_attention(source_image, attention, flow, target_keypoints, out_size: tuple[int, int] | None = None):
    """Where the attention reads the source for each joint of the target pose, in the joint's colour.

    Every joint's n x n taps are drawn on the darkened source as a blot whose strength is the attention
    weight.

    Args:
      source_image: [H, W, 3], uint8 or float in [-1, 1].
      attention: [h, w, n*n]; flow: [h, w, 2]: one block's, without the batch axis.
      target_keypoints: [18, 2] (y, x) in pixels of the H x W image, negative where missing.
      out_size: (H, W) of the result; None: the source's.

    Returns:
      uint8 RGB.
    """
    picture = to_uint8(source_image)
    attention, flow = np.asarray(attention, np.float32), np.asarray(flow, np.float32)
    size = out_size or picture.shape[:2]
    ratio = np.array(flow.shape[:2]) / np.array(picture.shape[:2])
    grey = cv2.cvtColor(resize(picture, size), cv2.COLOR_RGB2GRAY)[..., None]
    result = np.repeat(grey, 3, -1).astype(np.float32) * 0.55
    for (y, x), colour in zip(np.asarray(target_keypoints, np.float32), JOINT_COLOURS, strict=True):
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
        result = result * (1 - level) + colour.astype(np.float32) * level
    return np.rint(np.clip(result, 0, 255)).astype(np.uint8)
