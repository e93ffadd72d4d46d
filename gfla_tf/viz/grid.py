"""Grids of pictures with labels, and the grid of samples that a training run writes each epoch."""

from __future__ import annotations

import cv2
import numpy as np

from gfla_tf.viz.flow import flow_to_color
from gfla_tf.viz.images import resize, to_uint8
from gfla_tf.viz.maps import joint_attention, mask_to_image
from gfla_tf.viz.pose import draw_pose, keypoints_from_heatmaps

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def image_grid(
    rows, labels=None, cell_size: tuple[int, int] | None = None, gap: int = 4, background: int = 255
):
    """Puts pictures side by side.

    Args:
      rows: a list of rows, each a list of uint8 RGB pictures; short rows are filled up with the background.
      labels: None or the columns' names, written above them.
      cell_size: (H, W) of every cell; None: that of the first picture.
      gap: pixels between the cells and around them.
      background: the grey value behind them.

    Returns:
      uint8 RGB.

    Raises:
      ValueError: there is no picture.
    """
    if not rows or not rows[0]:
        raise ValueError("a grid needs at least one picture")
    height, width = cell_size or rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    head = _label_height(labels, width)
    total = (head + gap + len(rows) * (height + gap), gap + columns * (width + gap), 3)
    picture = np.full(total, background, np.uint8)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            top, left = head + gap + r * (height + gap), gap + c * (width + gap)
            picture[top : top + height, left : left + width] = resize(to_uint8(cell), (height, width))
    for c, label in enumerate(labels or ()):
        _write_label(picture, label, gap + c * (width + gap), width, head, 0 if background > 127 else 255)
    return picture


def sample_grid(batch, outputs, max_rows: int = 8, cell_size: tuple[int, int] | None = None) -> np.ndarray:
    """A picture of what a model makes of a batch: one row a sample, the columns of `sample_columns`.

    Args:
      batch, outputs: see `sample_columns`.
      max_rows: at most so many samples.
      cell_size: (H, W) of a cell; None: the images' size, enlarged by a whole number to at least 96 pixels
        high.

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


def sample_columns(batch, outputs, max_rows: int, cell_size: tuple[int, int]) -> dict[str, list[np.ndarray]]:
    """Pictures of what a model makes of a batch, by column: each a list of one uint8 RGB picture a sample.

    Columns: source | target pose | generated | truth | flow | true flow | mask | attention; flow, mask and
    attention are the last (the finest) layer's. Both flow columns share the scale of `flow_scale`, and where
    `target_parts` is there, the flow outside the target's figure is faded: no one reads it.

    Args:
      batch: the dict of a dataset (`source_image`, `target_image`, `target_keypoints` or `target_pose`; with
        `truth=True` also `flow` and `target_parts`), tensors or arrays.
      outputs: the dict of `PersonImageGenerator` for it; `image`, `flows`, `masks` and `attentions` are each
        drawn if they are there. (Of `FlowFieldEstimator` alone: {"flows": flows, "masks": masks}.)
      max_rows: at most so many samples.
      cell_size: (H, W) in which drawings are made; photographs keep their own size.
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
        columns["flow"] = _flow_pictures(flow, scale, batch)
        if "flow" in batch:
            columns["true flow"] = _flow_pictures(batch["flow"], scale, batch)
    if "masks" in finest:
        columns["mask"] = [mask_to_image(one, cell_size) for one in finest["masks"]]
    if "attentions" in finest and "flows" in finest:
        parts = zip(source, finest["attentions"], finest["flows"], points, strict=True)
        columns["attention"] = [joint_attention(*part, cell_size) for part in parts]
    return columns


def _flow_pictures(flow, scale: float, batch) -> list[np.ndarray]:
    """The flows in colour, to four fifths white outside the target's figure where that is known."""
    colours = flow_to_color(flow, scale)
    if "target_parts" in batch:
        faded = (colours // 5 + 204).astype(np.uint8)
        colours = np.where((batch["target_parts"] > 0)[..., None], colours, faded)
    return list(colours)


def flow_scale(flow, batch) -> float:
    """The length (pixels) that gets the full colour, one for all of a grid's flows [B, H, W, 2], at least 1.

    The 90th percentile of the true lengths on the targets' figures where the truth is there, else of the
    model's.
    """
    if "flow" in batch and "target_parts" in batch:
        shown = np.asarray(batch["flow"])[np.asarray(batch["target_parts"]) > 0]
    else:
        shown = np.asarray(flow).reshape(-1, 2)
    length = np.linalg.norm(shown[np.isfinite(shown).all(-1)], axis=-1)
    return max(float(np.percentile(length, 90)) if length.size else 0.0, 1.0)


def _target_points(batch) -> np.ndarray:
    if "target_keypoints" in batch:
        return batch["target_keypoints"]
    return np.stack([keypoints_from_heatmaps(one) for one in batch["target_pose"]])


def _label_height(labels, width: int) -> int:
    return 0 if not labels else max(14, min(28, width // 5))


def _write_label(picture, label: str, left: int, width: int, head: int, grey: int) -> None:
    """Writes `label` in the middle of a column, made smaller where it would not fit."""
    scale = head / 36
    (needed, _), _ = cv2.getTextSize(label, _FONT, scale, 1)
    scale = min(scale, scale * (width - 2) / max(needed, 1))
    (needed, high), _ = cv2.getTextSize(label, _FONT, scale, 1)
    at = (left + (width - needed) // 2, (head + high) // 2 + 2)
    cv2.putText(picture, label, at, _FONT, scale, (grey, grey, grey), 1, cv2.LINE_AA)
