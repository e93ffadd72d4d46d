"""Signatures of a served model, from encoded photos to encoded images.

The graph includes everything that `gfla generate` does around the networks, so that clients do not need
this package.
"""

from __future__ import annotations

import tensorflow as tf

from gfla_tf import ops
from gfla_tf.errors import InputError
from gfla_tf.export import keypoint_checks
from gfla_tf.export import request_checks as checks
from gfla_tf.export.graph_frame import GraphFrame
from gfla_tf.export.network_graph import check_model, size_multiple
from gfla_tf.export.photos import MAX_PHOTOS, Photos
from gfla_tf.export.row_blocks import map_rows
from gfla_tf.images.frame import MODES
from gfla_tf.images.limits import MAX_PIXELS
from gfla_tf.images.scaling import scale_images, unscale_images
from gfla_tf.models import PersonImageGenerator
from gfla_tf.pose.heatmaps import pose_heatmaps
from gfla_tf.pose.keypoints import NUM_KEYPOINTS

MAX_FRAME_SIDE = 2**20 - 1
"""The largest side, in pixels, of a frame that keypoints refer to."""

MAX_NETWORK_PIXELS = 2**21
"""The largest number of pixels, over all rows of a request, that the networks process: 32 rows of 256 x 256.

It bounds the time of a request whose rows are small, such as `render` with many poses of one source.
"""

BLOCK_PIXELS = 2**19
"""The number of pixels that the networks process at a time; this bounds the memory of activations."""


class Serving:
    """The signatures of a `PersonImageGenerator` as functions of tensors.

    N is any number of rows from 1, the same in all inputs of a request. Keypoints are float32 [N, 18, 2],
    (y, x); negative ones and those outside their frame are missing. An invalid request fails with
    INVALID_ARGUMENT and a message that names the field.

    Args:
      model: A `PersonImageGenerator` for RGB images and 18 keypoints.
      size: (H, W) of the images that the networks process. Defaults to the model's image size.
      fit: How photos of another aspect ratio are fitted into `size`: "letterbox" or "resize".
      max_pixels: The largest accepted product of a photo's height and width, from 16 times that of `size`,
        which the warm-up requests need, to 64,000,000.

    Attributes:
      max_rows: The largest number of rows of a request.

    Raises:
      ValueError: Unknown `fit`.
      InputError: The model has other inputs, the size is not divisible by its downsampling factor, or
        `max_pixels` is outside its range.
    """

    def __init__(
        self,
        model: PersonImageGenerator,
        size: tuple[int, int] | None = None,
        fit: str = "letterbox",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if fit not in MODES:
            raise ValueError(f"fit must be one of {MODES}, got {fit!r}")
        self.model = model
        self.fit = fit
        self.size = check_model(model, size)
        self.max_pixels = max_pixels
        pixels = self.size[0] * self.size[1]
        smallest = min(16 * pixels, MAX_PIXELS)
        if not smallest <= max_pixels <= MAX_PIXELS:
            raise InputError(
                f"the limit of pixels must be from {smallest:,} to {MAX_PIXELS:,}, got {max_pixels:,}"
            )
        self.max_rows = max(1, MAX_NETWORK_PIXELS // pixels)
        self._block = max(1, BLOCK_PIXELS // pixels)
        self.multiple = size_multiple(model)
        # Traced once for all signatures that use them.
        self._encode = tf.function(model.encode_source)
        self._draw = tf.function(self._draw_images)
        photos = Photos(self.size, fit, max_pixels)
        self._decode = tf.function(photos.decode)
        self._restore = tf.function(photos.restore)
        images, poses = (tf.TensorSpec([None, *self.size, c], tf.float32) for c in (3, NUM_KEYPOINTS))
        with ops.portable():
            self._encoded = self._encode.get_concrete_function(images, poses).structured_outputs
        self._parts = _part_names(self._encoded)

    def concrete_functions(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Returns {signature: traced function}; the inputs are named like the arguments."""
        with ops.portable():
            return {
                name: tf.function(getattr(self, name)).get_concrete_function(
                    **{field: tf.TensorSpec(spec.shape, spec.dtype, field) for field, spec in specs.items()}
                )
                for name, specs in self.inputs().items()
            }

    def serving_default(
        self, source_bytes: tf.Tensor, source_keypoints: tf.Tensor, target_keypoints: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Generates photos in other poses; keypoints are in pixels of their row's photo."""
        return self._generate(source_bytes, source_keypoints, target_keypoints, None, None)

    def sized(
        self,
        source_bytes: tf.Tensor,
        source_keypoints: tf.Tensor,
        target_keypoints: tf.Tensor,
        source_size: tf.Tensor,
        target_size: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Like `serving_default`, for keypoints in frames of other sizes: int32 [N, 2], (height, width)."""
        frames = [
            checks.check_frame_sizes(value, name, MAX_FRAME_SIDE)
            for name, value in (("source_size", source_size), ("target_size", target_size))
        ]
        return self._generate(source_bytes, source_keypoints, target_keypoints, *frames)

    def tensors(
        self, source_image: tf.Tensor, source_pose: tf.Tensor, target_pose: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Runs the networks alone, on images in [-1, 1] and pose maps of any divisible size."""
        inputs = {"source_image": source_image, "source_pose": source_pose, "target_pose": target_pose}
        channels = {name: 3 if name == "source_image" else NUM_KEYPOINTS for name in inputs}
        inputs = {
            name: checks.check_maps(value, name, channels[name], self.multiple)
            for name, value in inputs.items()
        }
        inputs = checks.check_same_sizes(inputs)
        pixels = max(MAX_NETWORK_PIXELS, self.size[0] * self.size[1])
        inputs = checks.check_number_of_pixels(inputs, pixels)
        return self.model.named_outputs(self.model(inputs, training=False))

    def encode_source(self, source_bytes: tf.Tensor, source_keypoints: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes the inputs of `render` that depend on the photos alone, once for many target poses."""
        points = keypoint_checks.check_keypoints(source_keypoints, "source_keypoints")
        source_bytes = checks.check_shape(source_bytes, "source_bytes", (None,))
        inputs = {"source_bytes": source_bytes, "source_keypoints": points}
        inputs = checks.check_same_rows(checks.check_number_of_rows(inputs, self.max_rows))
        images, sizes = self._decode(inputs["source_bytes"])
        points = self._source_to_frame(inputs["source_keypoints"], sizes, sizes)

        def encode(images, points):
            parts = tf.nest.flatten(self._encode(*self._maps(images, points)))
            return [tf.cast(part, tf.float32) for part in parts]

        specs = [spec for name, spec in self._encoded_inputs().items() if name in self._parts]
        parts = map_rows(encode, [images, points], tf.shape(points)[0], self._block, specs)
        return {"encoded_size": sizes, **dict(zip(self._parts, parts, strict=True))}

    def render(self, target_keypoints: tf.Tensor, **encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generates encoded photos in other poses; keypoints are in pixels of the photo.

        Args:
          target_keypoints: The target poses.
          **encoded: The outputs of `encode_source`, with one row per pose or one row for all poses.
        """
        specs = self._encoded_inputs()
        encoded = {
            name: checks.check_shape(value, name, specs[name].shape) for name, value in encoded.items()
        }
        encoded |= {name: checks.check_finite(encoded[name], name) for name in self._parts}
        encoded["encoded_size"] = checks.check_image_sizes(
            encoded["encoded_size"], "encoded_size", self.max_pixels
        )
        points = keypoint_checks.check_keypoints(target_keypoints, "target_keypoints")
        points = checks.check_number_of_rows({"target_keypoints": points}, self.max_rows)["target_keypoints"]
        encoded = checks.check_one_or_same_rows(checks.check_same_rows(encoded), points, "target_keypoints")
        sizes = tf.broadcast_to(encoded["encoded_size"], [tf.shape(points)[0], 2])
        pixels = tf.reduce_prod(tf.cast(sizes, tf.int64), axis=1)
        sizes = checks.check_total_pixels(sizes, pixels, "encoded_size", MAX_PHOTOS * self.max_pixels)

        def draw(points, *parts):
            flat = tf.nest.flatten(self._encoded)
            parts = [tf.cast(part, like.dtype) for part, like in zip(parts, flat, strict=True)]
            return self._draw(tf.nest.pack_sequence_as(self._encoded, parts), points)

        inputs = [self._target_to_frame(points, sizes, sizes), *(encoded[name] for name in self._parts)]
        return self._render(draw, inputs, sizes)

    def inputs(self) -> dict[str, dict[str, tf.TensorSpec]]:
        """Returns {signature: {field: spec}}."""
        points = tf.TensorSpec([None, NUM_KEYPOINTS, 2], tf.float32)
        source = {"source_bytes": tf.TensorSpec([None], tf.string), "source_keypoints": points}
        images, poses = (tf.TensorSpec([None, None, None, c], tf.float32) for c in (3, NUM_KEYPOINTS))
        sizes = tf.TensorSpec([None, 2], tf.int32)
        photos = {**source, "target_keypoints": points}
        return {
            "serving_default": photos,
            "sized": {**photos, "source_size": sizes, "target_size": sizes},
            "tensors": {"source_image": images, "source_pose": poses, "target_pose": poses},
            "encode_source": source,
            "render": {"target_keypoints": points, **self._encoded_inputs()},
        }

    def _encoded_inputs(self):
        """Returns {output of `encode_source`: spec}."""
        parts = zip(self._parts, tf.nest.flatten(self._encoded), strict=True)
        return {
            "encoded_size": tf.TensorSpec([None, 2], tf.int32),
            **{name: tf.TensorSpec(part.shape, tf.float32) for name, part in parts},
        }

    def _generate(self, source_bytes, source_keypoints, target_keypoints, source_frames, target_frames):
        inputs = {
            "source_bytes": checks.check_shape(source_bytes, "source_bytes", (None,)),
            "source_keypoints": keypoint_checks.check_keypoints(source_keypoints, "source_keypoints"),
            "target_keypoints": keypoint_checks.check_keypoints(target_keypoints, "target_keypoints"),
        }
        if source_frames is not None:
            inputs |= {"source_size": source_frames, "target_size": target_frames}
        inputs = checks.check_same_rows(checks.check_number_of_rows(inputs, self.max_rows))
        images, sizes = self._decode(inputs["source_bytes"])
        source = self._source_to_frame(inputs["source_keypoints"], inputs.get("source_size", sizes), sizes)
        target = self._target_to_frame(inputs["target_keypoints"], inputs.get("target_size", sizes), sizes)

        def draw(images, source, target):
            return self._draw(self._encode(*self._maps(images, source)), target)

        return self._render(draw, [images, source, target], sizes)

    def _source_to_frame(self, points, frames, sizes):
        """Maps keypoints from `frames`, stretched to the photos' `sizes`, to the model's frame."""
        maybe_swapped = (
            _orientation(frames) * _orientation(sizes) <= 0
        )  # one upright and one not, or a square
        points = keypoint_checks.mask_keypoints_outside(points, frames, "source_keypoints", maybe_swapped)
        points = GraphFrame.fit(frames, sizes, "resize").keypoints_to_frame(points)
        return GraphFrame.fit(sizes, self.size, self.fit).keypoints_to_frame(points)

    def _target_to_frame(self, points, frames, sizes):
        """Maps keypoints from `frames`, fitted into the photos' `sizes`, to the model's frame."""
        maybe_swapped = tf.reduce_any(frames != sizes, axis=1)
        points = keypoint_checks.mask_keypoints_outside(points, frames, "target_keypoints", maybe_swapped)
        points = GraphFrame.fit(frames, sizes, self.fit).keypoints_to_frame(points)
        return GraphFrame.fit(sizes, self.size, self.fit).keypoints_to_frame(points)

    def _maps(self, images, points):
        return scale_images(images), pose_heatmaps(points, self.size, self.model.heatmap_sigma)

    def _draw_images(self, source, points):
        """Returns images of the model's size for encoded sources and target keypoints, uint8."""
        poses = pose_heatmaps(points, self.size, self.model.heatmap_sigma)
        return unscale_images(self.model.render(source, poses)["image"])

    def _render(self, draw, inputs, sizes):
        """Returns images of the model's size and, encoded, of the photos' sizes."""
        output = tf.TensorSpec([None, *self.size, 3], tf.uint8)
        image = map_rows(draw, inputs, tf.shape(sizes)[0], self._block, output)
        return {"image_bytes": self._restore(image, sizes), "image": image}


def _orientation(sizes):
    """The sign of height - width of sizes [N, 2]: int32 [N]."""
    return tf.sign(sizes[:, 0] - sizes[:, 1])


def _part_names(encoded: dict) -> list[str]:
    """Returns field names for the outputs of `PersonImageGenerator.encode_source`, as tf.nest.flatten orders.

    For example, "features" becomes "encoded_feature_0" (coarse), "encoded_feature_1", ....
    """
    names = {
        key: [f"encoded_{key.removesuffix('s')}_{i}" for i in range(len(part))]
        if isinstance(part, (list, tuple))
        else f"encoded_{key}"
        for key, part in encoded.items()
    }
    return tf.nest.flatten(names)
