"""Grids of labeled images, and the grid of samples that training writes after each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike

from gfla_tf.viz.flow import flow_to_color
from gfla_tf.viz.images import resize, to_uint8
from gfla_tf.viz.maps import joint_attention, mask_to_image
from gfla_tf.viz.pose import draw_pose, keypoints_from_heatmaps

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def image_grid(
    rows: Sequence[Sequence[np.ndarray]],
    labels: Sequence[str] | None = None,
    cell_size: tuple[int, int] | None = None,
    gap: int = 4,
    background: int = 255,
) -> np.ndarray:
    """Arranges images in a grid.

    Args:
      rows: the images of each row, uint8 RGB or float in [-1, 1]; rows may differ in length.
      labels: the labels above the columns; none by default.
      cell_size: (H, W) to which the images are resized; the size of the first image by default.
      gap: pixels between the cells and around them.
      background: the gray level of the background, 0 to 255.

    Returns:
      uint8 RGB.

    Raises:
      ValueError: there is no image.
    """
    if not rows or not rows[0]:
        raise ValueError("a grid needs at least one image")
    height, width = cell_size or rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    head = _label_height(labels, width)
    total = (head + gap + len(rows) * (height + gap), gap + columns * (width + gap), 3)
    image = np.full(total, background, np.uint8)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            top, left = head + gap + r * (height + gap), gap + c * (width + gap)
            image[top : top + height, left : left + width] = resize(to_uint8(cell), (height, width))
    for c, label in enumerate(labels or ()):
        _write_label(image, label, gap + c * (width + gap), width, head, 0 if background > 127 else 255)
    return image


def sample_grid(
    batch: Mapping[str, ArrayLike],
    outputs: Mapping[str, ArrayLike | Sequence[ArrayLike]],
    max_rows: int = 8,
    cell_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Draws the columns of `sample_columns` as one image with a row per sample.

    Args:
      batch: see `sample_columns`.
      outputs: see `sample_columns`.
      max_rows: the maximum number of samples.
      cell_size: (H, W) of a cell. By default, the size of the images, multiplied by the smallest integer that
        makes them at least 96 pixels high.

    Returns:
      uint8 RGB.
    """
    height, width = np.shape(batch["source_image"])[1:3]
    if cell_size is None:
        times = max(1, -(-96 // height))
        cell_size = (height * times, width * times)
    columns = sample_columns(batch, outputs, max_rows, cell_size)
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return image_grid(rows, list(columns), cell_size)


def sample_columns(
    batch: Mapping[str, ArrayLike],
    outputs: Mapping[str, ArrayLike | Sequence[ArrayLike]],
    max_rows: int,
    cell_size: tuple[int, int],
) -> dict[str, list[np.ndarray]]:
    """Draws the inputs and outputs of a model for a batch as columns of images.

    The columns are source, target pose, generated, truth, flow, true flow, mask and attention; those whose
    values are missing are omitted. Flow, mask and attention are those of the last (finest) layer. Both flow
    columns share the scale of `flow_scale`. If the batch has `target_parts`, the flow outside the target
    person is faded.

    Args:
      batch: a batch of a dataset: `source_image`, `target_image`, `target_keypoints` or `target_pose`, and
        optionally `flow` and `target_parts` (with `truth=True`).
      outputs: the outputs of `PersonImageGenerator`: `image`, `flows`, `masks` and `attentions`, each
        optional. For `FlowFieldEstimator`: {"flows": flows, "masks": masks}.
      max_rows: the maximum number of samples.
      cell_size: (H, W) of poses, masks and attention; the other columns have the size of the images.

    Returns:
      A dict from the name of a column to its uint8 RGB images, one per sample.
    """
    batch = {name: np.asarray(value)[:max_rows] for name, value in batch.items()}
    finest = {
        name: np.asarray(value[-1], np.float32)[:max_rows]
        for name, value in outputs.items()
        if name != "image"
    }
    source = to_uint8(batch["source_image"])
    size = source.shape[1:3]
    points = _target_points(batch)
    columns: dict[str, list[np.ndarray]] = {"source": list(source)}
    columns["target pose"] = [draw_pose(one, size, out_size=cell_size) for one in points]
    if "image" in outputs:
        columns["generated"] = list(to_uint8(np.asarray(outputs["image"], np.float32))[:max_rows])
    columns["truth"] = list(to_uint8(batch["target_image"]))
    if "flows" in finest:
        from gfla_tf.ops.flow import resize_flow  # loads TensorFlow

        flow = resize_flow(finest["flows"], size).numpy()
        scale = flow_scale(flow, batch)
        columns["flow"] = _flow_images(flow, scale, batch)
        if "flow" in batch:
            columns["true flow"] = _flow_images(batch["flow"], scale, batch)
    if "masks" in finest:
        columns["mask"] = [mask_to_image(one, cell_size) for one in finest["masks"]]
    if "attentions" in finest and "flows" in finest:
        parts = zip(source, finest["attentions"], finest["flows"], points, strict=True)
        columns["attention"] = [joint_attention(*part, cell_size) for part in parts]
    return columns


def _flow_images(flow: np.ndarray, scale: float, batch: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Returns color images of flows, blended with 80 % of white outside the target person if it is known."""
    colors = flow_to_color(flow, scale)
    if "target_parts" in batch:
        faded = (colors // 5 + 204).astype(np.uint8)
        colors = np.where((batch["target_parts"] > 0)[..., None], colors, faded)
    return list(colors)


def flow_scale(flow: ArrayLike, batch: Mapping[str, ArrayLike]) -> float:
    """Returns the length, in pixels, that `sample_columns` draws as fully saturated.

    It is the 90th percentile of the lengths of the true flow on the target persons, or of the estimated flow
    if the truth is unknown, but at least 1.

    Args:
      flow: the estimated flow, [B, H, W, 2].
      batch: a batch of a dataset, optionally with `flow` and `target_parts`.
    """
    if "flow" in batch and "target_parts" in batch:
        shown = np.asarray(batch["flow"])[np.asarray(batch["target_parts"]) > 0]
    else:
        shown = np.asarray(flow).reshape(-1, 2)
    length = np.linalg.norm(shown[np.isfinite(shown).all(-1)], axis=-1)
    return max(float(np.percentile(length, 90)) if length.size else 0.0, 1.0)


def _target_points(batch: Mapping[str, np.ndarray]) -> np.ndarray:
    if "target_keypoints" in batch:
        return batch["target_keypoints"]
    return np.stack([keypoints_from_heatmaps(one) for one in batch["target_pose"]])


def _label_height(labels: Sequence[str] | None, width: int) -> int:
    return 0 if not labels else max(14, min(28, width // 5))


def _write_label(image: np.ndarray, label: str, left: int, width: int, head: int, gray: int) -> None:
    """Writes a label centered above a column, in smaller letters if it would not fit."""
    scale = head / 36
    (needed, _), _ = cv2.getTextSize(label, _FONT, scale, 1)
    scale = min(scale, scale * (width - 2) / max(needed, 1))
    (needed, high), _ = cv2.getTextSize(label, _FONT, scale, 1)
    at = (left + (width - needed) // 2, (head + high) // 2 + 2)
    cv2.putText(image, label, at, _FONT, scale, (gray, gray, gray), 1, cv2.LINE_AA)
