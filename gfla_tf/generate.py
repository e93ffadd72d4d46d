"""One photograph in another pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from gfla_tf import viz
from gfla_tf.errors import InputError
from gfla_tf.images.frame import Frame
from gfla_tf.pose.heatmaps import pose_heatmaps


@dataclass(frozen=True)
class Generated:
    """Pictures, uint8 RGB of one size: the person in the target pose, and what the networks did for it.

    `flow` is the finest flow field by the colour wheel of `gfla_tf.viz` (the longest vector has the full
    colour), `mask` the finest mask (white: taken from the source), `attention` where the finest attention
    block read the source. The last three are None unless asked for.
    """

    image: np.ndarray
    flow: np.ndarray | None = None
    mask: np.ndarray | None = None
    attention: np.ndarray | None = None


def generate(
    model,
    photo: np.ndarray,
    source_keypoints,
    target_keypoints,
    *,
    source_frame: tuple[int, int] | None = None,
    target_frame: tuple[int, int] | None = None,
    fit: str = "letterbox",
    size: str = "source",
    model_size: tuple[int, int] | None = None,
    pictures: tuple[str, ...] = (),
) -> Generated:
    """Puts the person of a photograph into another pose.

    Args:
      model: a `PersonImageGenerator`; its `image_size` and `heatmap_sigma` are used.
      photo: uint8 RGB [h, w, 3] of any size.
      source_keypoints: [18, 2] (y, x), COCO-18, (-1, -1) missing, in pixels of `source_frame`.
      target_keypoints: the same in pixels of `target_frame`.
      source_frame: (h, w) of the whole photo in the source pose's pixels; None: the photo's size.
      target_frame: (h, w) of the target pose's image; None: the photo's size. It is brought into the photo's
        frame as the photo into the model's: stretched for "resize", whole and centred for "letterbox".
      fit: "letterbox" keeps the photo's proportions, "resize" stretches it to the model's size.
      size: "source" returns pictures of the photo's size, "model" the model's own frame.
      model_size: (H, W) of that frame, divisible as the model needs it; None: the model's `image_size`.
      pictures: which of "flow", "mask" and "attention" are drawn too.

    Raises:
      ValueError: an unknown `fit`, `size` or picture, or a photo of another kind.
      InputError: the model's output is not finite.
    """
    unknown = set(pictures) - {"flow", "mask", "attention"}
    if unknown or size not in ("source", "model"):
        raise ValueError(f"unknown pictures or size: {sorted(unknown)}, {size!r}")
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[-1] != 3:
        raise ValueError(f"the photo must be uint8 [h, w, 3], got {photo.dtype} {photo.shape}")
    inner, outer = tuple(model_size or model.image_size), photo.shape[:2]
    frame = Frame.fit(outer, inner, fit)
    placed = frame.to_frame(photo)
    points = [
        frame.keypoints_to_frame(
            Frame.fit(source_frame or outer, outer, "resize").keypoints_to_frame(source_keypoints)
        ),
        frame.keypoints_to_frame(
            Frame.fit(target_frame or outer, outer, fit).keypoints_to_frame(target_keypoints)
        ),
    ]
    poses = pose_heatmaps(np.stack(points), inner, model.heatmap_sigma)  # [2, H, W, 18]
    outputs = model(
        {
            "source_image": tf.constant(placed[None], tf.float32) / 127.5 - 1.0,
            "source_pose": poses[:1],
            "target_pose": poses[1:],
        },
        training=False,
        return_attention="attention" in pictures,
    )
    image = outputs["image"][0].numpy()
    finest = {name: value[-1][0].numpy() for name, value in outputs.items() if name != "image"}
    if not all(np.isfinite(value).all() for value in (image, *finest.values())):
        raise InputError("the model's output is not finite: its weights are damaged or it was trained badly")
    drawn = {"image": viz.to_uint8(image)}
    if "flow" in pictures:
        drawn["flow"] = viz.flow_to_color(viz.resize_flow(finest["flows"], inner))
    if "mask" in pictures:
        drawn["mask"] = viz.mask_to_image(finest["masks"], inner)
    if "attention" in pictures:
        drawn["attention"] = viz.attention_map(
            placed, finest["attentions"], finest["flows"], finest["masks"], inner
        )
    if size == "source":
        drawn = {name: frame.restore(picture) for name, picture in drawn.items()}
    return Generated(**drawn)
