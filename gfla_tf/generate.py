"""Generating images of a person in target poses: the whole path, from photo and poses to the images."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from gfla_tf import viz
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, write_files
from gfla_tf.images.io import encode_image, read_image, to_rgb
from gfla_tf.images.orientation import pillow_orientation, turn
from gfla_tf.pose.estimator import PoseEstimator
from gfla_tf.pose.frame import check_size, keep_inside
from gfla_tf.pose.keypoints import NUM_KEYPOINTS
from gfla_tf.pose.source import find_pose
from gfla_tf.pose.units import check_pixels

if TYPE_CHECKING:
    from gfla_tf.models import PersonImageGenerator

Photo = PathLike | np.ndarray | Image.Image
Pose = PathLike | np.ndarray

_DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def generate(
    source: Photo,
    source_pose: Pose,
    target_pose: Pose | list[Pose],
    model: PathLike | PersonImageGenerator = "synthetic",
    *,
    source_frame: tuple[int, int] | None = None,
    target_frame: tuple[int, int] | None = None,
    person: int | None = None,
    pose_model: PathLike | None = None,
    fit: str = "letterbox",
    size: str = "source",
    model_size: tuple[int, int] | None = None,
) -> Generated | list[Generated]:
    """Generates an image of the person of a photo in one or several target poses.

    The source is encoded once for all target poses. To generate many images, load the model once with
    `PersonImageGenerator.from_preset` and pass it.

    Args:
      source: the photo: a file, an array uint8 RGB [h, w, 3], or a PIL image, of any size.
      source_pose: the pose in the photo: a pose file as for `gfla_tf.pose.find_pose` (OpenPose or COCO JSON,
        `annotations.csv#name`), an array [18, 2] (y, x) in the order of `gfla_tf.pose.KEYPOINTS` with
        (-1, -1) for missing keypoints, or a photo (extra `[pose]`).
      target_pose: the pose to generate, of the same kinds, or a list of them.
      model: "synthetic" (the shipped model), a run folder, `.keras` file or preset folder, or a
        `PersonImageGenerator`.
      source_frame: (h, w) of the image that the source pose was measured in; by default the size recorded in
        the pose file, otherwise the photo's.
      target_frame: the same for the target pose. A target frame is fitted to the photo as the photo is to
        the model: stretched for "resize", centered with its aspect ratio for "letterbox".
      person: index of the person in a pose file or photo; by default the largest person.
      pose_model: the network that estimates poses in photos; by default the cached one.
      fit: "letterbox" keeps the aspect ratio of the photo, "resize" stretches it to the model's image size.
      size: "source" gives images of the photo's size, "model" of the model's image size.
      model_size: (H, W) of the images inside the model, divisible as the model requires; by default the
        model's `image_size`.

    Returns:
      A `Generated`, or a list of them if `target_pose` is a list.

    Raises:
      ValueError: an array of another shape or dtype, or an unknown `fit` or `size`.
      InputError: a file cannot be read, a pose is outside its frame, the model has no trained weights or its
        output is not finite. The message names the file.

    Example:

    ```python
    import gfla_tf
    from gfla_tf.data import SyntheticPeople

    pair = SyntheticPeople().sample("test", 0)
    result = gfla_tf.generate(pair["source_image"], pair["source_keypoints"], pair["target_keypoints"])
    result.save("out.png")
    ```
    """
    targets = list(target_pose) if isinstance(target_pose, list | tuple) else [target_pose]
    inputs = read_inputs(source, source_pose, targets, source_frame, target_frame, person, pose_model)
    results = generate_from(inputs, model, fit=fit, size=size, model_size=model_size)
    return results if isinstance(target_pose, list | tuple) else results[0]


@dataclass(frozen=True)
class Inputs:
    """A photo, uint8 RGB [h, w, 3], and poses as (keypoints [18, 2] (y, x), (H, W) of their frame)."""

    photo: np.ndarray
    source: tuple[np.ndarray, tuple[int, int]]
    targets: list[tuple[np.ndarray, tuple[int, int]]]


def read_inputs(
    source: Photo,
    source_pose: Pose,
    target_poses: list[Pose],
    source_frame: tuple[int, int] | None = None,
    target_frame: tuple[int, int] | None = None,
    person: int | None = None,
    pose_model: PathLike | None = None,
) -> Inputs:
    """Reads and checks the inputs of `generate`, with the same arguments, without importing TensorFlow."""
    photo = _read_photo(source)
    estimator = functools.cache(lambda: PoseEstimator(pose_model))
    read = functools.partial(_read_pose, photo_size=photo.shape[:2], person=person, estimator=estimator)
    if source_frame is not None:
        source_frame = check_size(source_frame, "source_frame")
    if target_frame is not None:
        target_frame = check_size(target_frame, "target_frame")
    return Inputs(
        photo,
        read(source_pose, source_frame, "source_pose"),
        [read(pose, target_frame, "target_pose") for pose in target_poses],
    )


def generate_from(
    inputs: Inputs,
    model: PathLike | PersonImageGenerator = "synthetic",
    *,
    fit: str = "letterbox",
    size: str = "source",
    model_size: tuple[int, int] | None = None,
) -> list[Generated]:
    """Generates one image per target pose of `inputs`; the other arguments are those of `generate`."""
    from gfla_tf.images.frame import Frame
    from gfla_tf.images.scaling import scale_images
    from gfla_tf.models.loading import load_generator
    from gfla_tf.pose.heatmaps import pose_heatmaps

    if size not in ("source", "model"):
        raise ValueError(f"size must be 'source' or 'model', got {size!r}")
    if isinstance(model, str | os.PathLike):
        model = load_generator(model)
    outer = inputs.photo.shape[:2]
    inner = tuple(model.image_size) if model_size is None else check_size(model_size, "model_size")
    frame = Frame.fit(outer, inner, fit)
    framed = frame.to_frame(inputs.photo)

    def heatmaps(keypoints: np.ndarray, pose_frame: tuple[int, int], mode: str) -> Any:
        in_photo = Frame.fit(pose_frame, outer, mode).keypoints_to_frame(keypoints)
        return pose_heatmaps(frame.keypoints_to_frame(in_photo)[None], inner, model.heatmap_sigma)

    source = scale_images(framed[None]), heatmaps(*inputs.source, "resize")
    encoded = model.infer("encode_source", *source)
    results = []
    for target in inputs.targets:
        outputs = model.infer("render", encoded, heatmaps(*target, fit), return_attention=True)
        image = outputs["image"][0].numpy()
        finest = {name: outputs[name][-1][0].numpy() for name in ("flows", "masks", "attentions")}
        if not all(np.isfinite(value).all() for value in (image, *finest.values())):
            raise InputError("the model's output is not finite: its weights are damaged or training diverged")
        to_output = frame.restore if size == "source" else _unchanged
        results.append(
            Generated(
                image=to_output(viz.to_uint8(image)),
                flow_field=finest["flows"],
                occlusion_mask=finest["masks"],
                attention_weights=finest["attentions"],
                framed=framed,
                to_output=to_output,
            )
        )
    return results


@dataclass(frozen=True, eq=False)
class Generated:
    """A generated image and the intermediate results of the networks.

    The attributes `image`, `flow`, `mask` and `attention` are images, uint8 RGB of one size.

    Attributes:
      image: the person in the target pose.
      flow_field: the finest flow field, float32 [h, w, 2] (dx, dy) in pixels of that map.
      occlusion_mask: the finest mask, float32 [h, w, 1], 1 where the source is used.
      attention_weights: the weights of the finest local attention, float32 [h, w, n*n].
      framed: the photo in the model's image, uint8 [H, W, 3].
      to_output: converts an image of the model's size to the size of the results.
    """

    image: np.ndarray
    flow_field: np.ndarray
    occlusion_mask: np.ndarray
    attention_weights: np.ndarray
    framed: np.ndarray
    to_output: Callable[[np.ndarray], np.ndarray]

    @functools.cached_property
    def flow(self) -> np.ndarray:
        """The flow field as colors of `gfla_tf.viz.flow_to_color`; the longest vector is fully saturated."""
        from gfla_tf.ops.flow import resize_flow  # loads TensorFlow

        return self.to_output(viz.flow_to_color(resize_flow(self.flow_field, self.framed.shape[:2])))

    @functools.cached_property
    def mask(self) -> np.ndarray:
        """The mask in gray; white is taken from the source."""
        return self.to_output(viz.mask_to_image(self.occlusion_mask, self.framed.shape[:2]))

    @functools.cached_property
    def attention(self) -> np.ndarray:
        """The photo with the locations highlighted that the local attention reads."""
        return self.to_output(
            viz.attention_map(
                self.framed,
                self.attention_weights,
                self.flow_field,
                self.occlusion_mask,
                self.framed.shape[:2],
            )
        )

    def save(
        self,
        path: PathLike,
        *,
        flow: PathLike | None = None,
        mask: PathLike | None = None,
        attention: PathLike | None = None,
        overwrite: bool = False,
    ) -> None:
        """Writes the image and, if paths are given, the others; if one cannot be written, none is.

        Args:
          path: the file of the image: .png, .jpg, .webp or .bmp.
          flow, mask, attention: files of these images.
          overwrite: whether existing files may be overwritten.

        Raises:
          InputError: a file exists or cannot be written, or has another extension.
        """
        paths = {"image": path, "flow": flow, "mask": mask, "attention": attention}
        images = {path: getattr(self, name) for name, path in paths.items() if path is not None}
        write_files({path: encode_image(path, image) for path, image in images.items()}, overwrite)


def _read_photo(source: Photo) -> np.ndarray:
    """A photo as uint8 RGB [h, w, 3]."""
    if isinstance(source, str | os.PathLike):
        return read_image(source)
    if isinstance(source, Image.Image):
        if source.mode in _DEEP_MODES:
            raise ValueError(f"source must be a PIL image of 8 bits per channel, got mode {source.mode}")
        return turn(to_rgb(source), pillow_orientation(source))
    photo = np.asarray(source)
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[-1] != 3 or not photo.size:
        raise ValueError(f"source must be a uint8 array [h, w, 3], got {photo.dtype} {list(photo.shape)}")
    return photo


def _read_pose(
    pose: Pose,
    frame: tuple[int, int] | None,
    argument: str,
    photo_size: tuple[int, int],
    person: int | None,
    estimator: Callable[[], PoseEstimator],
) -> tuple[np.ndarray, tuple[int, int]]:
    """A pose as (keypoints [18, 2] (y, x), (H, W) of their frame); keypoints outside it become missing."""
    if not isinstance(pose, str | os.PathLike):
        keypoints = np.asarray(pose)
        if keypoints.shape != (NUM_KEYPOINTS, 2) or keypoints.dtype.kind not in "fiu":
            raise ValueError(
                f"{argument} must be a file or an array [{NUM_KEYPOINTS}, 2] (y, x), got "
                f"{keypoints.dtype} {list(keypoints.shape)}"
            )
        if not np.isfinite(keypoints).all():
            raise ValueError(f"{argument} must be finite, with (-1, -1) for missing keypoints")
        keypoints, size, name = keypoints.astype(np.float32), frame or photo_size, argument
        check_pixels(keypoints[None], argument)
    else:
        default = photo_size if argument == "source_pose" else None  # a target may be of another aspect ratio
        found = find_pose(pose, estimator, person, frame=frame, default_frame=default)
        keypoints, size, name = found.keypoints, found.frame or photo_size, found.name
    if argument == "source_pose":  # the frame is the whole photo, so both are upright or both are wide
        maybe_swapped = (size[0] - size[1]) * (photo_size[0] - photo_size[1]) <= 0
    else:
        maybe_swapped = frame is not None and frame != photo_size
    return keep_inside(keypoints, size, name, maybe_swapped), size


def _unchanged(image: np.ndarray) -> np.ndarray:
    return image
