"""What a served model answers: its signatures, from the bytes of photographs to the bytes of pictures.

Everything that `gfla generate` does around the networks is in the graph too, so that a client needs no code
of this package.
"""

from __future__ import annotations

import tensorflow as tf

from gfla_tf import ops
from gfla_tf.export import request_checks as checks
from gfla_tf.export.encoded_images import decode_png_or_jpeg, encode_png
from gfla_tf.export.graph_frame import GraphFrame
from gfla_tf.export.graph_resize import to_uint8
from gfla_tf.export.request_checks import NUM_KEYPOINTS
from gfla_tf.images.frame import MODES
from gfla_tf.images.io import MAX_PIXELS
from gfla_tf.pose.heatmaps import pose_heatmaps

LARGEST_SIDE = 2**20 - 1
"""Of the frames in which keypoints are measured, in pixels."""


class Serving:
    """The signatures of a `PersonImageGenerator`, as functions of tensors.

    N is any number of rows from 1 on, the same in all inputs of a request. Keypoints are float32 [N, 18, 2]
    (y, x); negative ones, and those outside their frame, are missing. A request that is wrong is answered by
    INVALID_ARGUMENT, and the message names the field.

    Args:
      model: a `PersonImageGenerator` for RGB images and 18 keypoints.
      size: (H, W) of the frame that the networks see; None: the model's own.
      fit: "letterbox" or "resize": how photographs of other proportions are put into the frame.

    Raises:
      ValueError: an unknown `fit`, another kind of model, or a size that the networks cannot halve so often.
    """

    def __init__(self, model, size=None, fit: str = "letterbox"):
        f, g = model.flow_field_estimator, model.target_image_generator
        if (g.image_channels, g.guidance_channels) != (3, NUM_KEYPOINTS):
            raise ValueError(
                f"a served model has 3 image and {NUM_KEYPOINTS} pose channels, got {g.image_channels} and "
                f"{g.guidance_channels}"
            )
        if fit not in MODES:
            raise ValueError(f"fit must be one of {MODES}, got {fit!r}")
        self.model = model
        self.fit = fit
        self.size = tuple(model.image_size if size is None else size)
        self.multiple = 2 ** max(f.encoder_layers, g.num_layers)
        if any(side < 1 or side % self.multiple for side in self.size):
            raise ValueError(f"the size must be divisible by {self.multiple}, got {self.size}")
        # Traced once, for all signatures that use them.
        self._encode = tf.function(model.encode_source)
        self._draw = tf.function(lambda source, pose: model.render(source, pose)["image"])
        self._decode = tf.function(self._decode_photographs)
        self._restore = tf.function(self._restore_photographs)
        images, poses = (tf.TensorSpec([None, *self.size, c], tf.float32) for c in (3, NUM_KEYPOINTS))
        with ops.portable():
            self._encoded = self._encode.get_concrete_function(images, poses).structured_outputs
        self._parts = _part_names(self._encoded)

    def concrete_functions(self) -> dict:
        """{signature: its traced function}, with inputs named as the arguments."""
        with ops.portable():
            return {
                name: tf.function(getattr(self, name)).get_concrete_function(
                    **{field: tf.TensorSpec(spec.shape, spec.dtype, field) for field, spec in specs.items()}
                )
                for name, specs in self.inputs().items()
            }

    def serving_default(self, source_bytes, source_keypoints, target_keypoints):
        """Photographs in other poses; the keypoints in pixels of their row's photograph."""
        return self._generate(source_bytes, source_keypoints, target_keypoints, None, None)

    def sized(self, source_bytes, source_keypoints, target_keypoints, source_size, target_size):
        """As `serving_default`, with keypoints in pixels of other frames: int32 [N, 2] (height, width)."""
        frames = [
            checks.frame_sizes(value, name, LARGEST_SIDE)
            for name, value in (("source_size", source_size), ("target_size", target_size))
        ]
        return self._generate(source_bytes, source_keypoints, target_keypoints, *frames)

    def tensors(self, source_image, source_pose, target_pose):
        """The networks alone: images in [-1, 1] and pose maps of any divisible size."""
        given = {"source_image": source_image, "source_pose": source_pose, "target_pose": target_pose}
        channels = {name: 3 if name == "source_image" else NUM_KEYPOINTS for name in given}
        given = {
            name: checks.maps(value, name, channels[name], self.multiple) for name, value in given.items()
        }
        return self.model.named_outputs(self.model(checks.same_sides(given), training=False))

    def encode_source(self, source_bytes, source_keypoints):
        """What `render` needs of photographs and their poses: computed once for many target poses."""
        points = checks.keypoints(source_keypoints, "source_keypoints")
        source_bytes = checks.shaped(source_bytes, "source_bytes", (None,))
        given = checks.same_rows({"source_bytes": source_bytes, "source_keypoints": points})
        images, sizes = self._decode(given["source_bytes"])
        points = self._place_source(given["source_keypoints"], sizes, sizes)
        parts = tf.nest.flatten(self._encode(*self._maps(images, points)))
        parts = {name: tf.cast(part, tf.float32) for name, part in zip(self._parts, parts, strict=True)}
        return {"encoded_size": sizes, **parts}

    def render(self, target_keypoints, **encoded):
        """What `encode_source` returned, of as many photographs as there are poses or of one for all of them,
        in these poses; the keypoints in pixels of the photograph.
        """
        specs = self._encoded_inputs()
        encoded = {name: checks.shaped(value, name, specs[name].shape) for name, value in encoded.items()}
        encoded |= {name: checks.finite(encoded[name], name) for name in self._parts}
        encoded["encoded_size"] = checks.image_sizes(encoded["encoded_size"], "encoded_size", MAX_PIXELS)
        points = checks.keypoints(target_keypoints, "target_keypoints")
        encoded = checks.one_or_each(checks.same_rows(encoded), points, "target_keypoints")
        parts = [
            tf.cast(encoded[name], part.dtype)
            for name, part in zip(self._parts, tf.nest.flatten(self._encoded), strict=True)
        ]
        source = tf.nest.pack_sequence_as(self._encoded, parts)
        sizes = tf.broadcast_to(encoded["encoded_size"], [tf.shape(points)[0], 2])
        return self._render(source, self._place_target(points, sizes, sizes), sizes)

    def inputs(self) -> dict:
        """{signature: {field: the tf.TensorSpec of what it takes}}."""
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
        """{output of `encode_source`: what it is}."""
        parts = zip(self._parts, tf.nest.flatten(self._encoded), strict=True)
        return {
            "encoded_size": tf.TensorSpec([None, 2], tf.int32),
            **{name: tf.TensorSpec(part.shape, tf.float32) for name, part in parts},
        }

    def _generate(self, source_bytes, source_keypoints, target_keypoints, source_frames, target_frames):
        given = {
            "source_bytes": checks.shaped(source_bytes, "source_bytes", (None,)),
            "source_keypoints": checks.keypoints(source_keypoints, "source_keypoints"),
            "target_keypoints": checks.keypoints(target_keypoints, "target_keypoints"),
        }
        if source_frames is not None:
            given |= {"source_size": source_frames, "target_size": target_frames}
        given = checks.same_rows(given)
        images, sizes = self._decode(given["source_bytes"])
        source = self._place_source(given["source_keypoints"], given.get("source_size", sizes), sizes)
        target = self._place_target(given["target_keypoints"], given.get("target_size", sizes), sizes)
        return self._render(self._encode(*self._maps(images, source)), target, sizes)

    def _decode_photographs(self, source_bytes):
        """Photographs in the frame, uint8 [N, H, W, 3], and their own sizes, int32 [N, 2]."""

        def one(row):
            rgb = decode_png_or_jpeg(source_bytes[row], row, "source_bytes")
            size = tf.shape(rgb)[:2]
            return GraphFrame.fit(size, self.size, self.fit).place_image(rgb), size

        with tf.name_scope("source_bytes"):
            return tf.map_fn(
                one,
                tf.range(tf.shape(source_bytes)[0]),
                fn_output_signature=(tf.TensorSpec([*self.size, 3], tf.uint8), tf.TensorSpec([2], tf.int32)),
            )

    def _place_source(self, points, frames, sizes):
        """Keypoints in pixels of `frames` in those of the model's frame: with the photograph."""
        points = checks.keypoints_inside(points, frames, "source_keypoints")
        points = GraphFrame.fit(frames, sizes, "resize").place_keypoints(points)
        return GraphFrame.fit(sizes, self.size, self.fit).place_keypoints(points)

    def _place_target(self, points, frames, sizes):
        """As `_place_source`, but a frame of other proportions is fitted into the photograph's."""
        points = checks.keypoints_inside(points, frames, "target_keypoints")
        points = GraphFrame.fit(frames, sizes, self.fit).place_keypoints(points)
        return GraphFrame.fit(sizes, self.size, self.fit).place_keypoints(points)

    def _maps(self, images, points):
        image = tf.cast(images, tf.float32) / 127.5 - 1.0
        return image, pose_heatmaps(points, self.size, self.model.heatmap_sigma)

    def _render(self, source, points, sizes):
        """The answer: pictures in the model's frame and, encoded, of the photographs' own sizes."""
        image = self._draw(source, pose_heatmaps(points, self.size, self.model.heatmap_sigma))
        image = to_uint8((image + 1.0) * 127.5)
        return {"image_bytes": self._restore(image, sizes), "image": image}

    def _restore_photographs(self, image, sizes):
        """Pictures uint8 [N, H, W, 3] cut, brought to `sizes` and encoded: string [N]."""

        def one(row):
            return encode_png(GraphFrame.fit(sizes[row], self.size, self.fit).restore(image[row]))

        return tf.map_fn(one, tf.range(tf.shape(image)[0]), fn_output_signature=tf.string)


def _part_names(encoded: dict) -> list[str]:
    """The fields of what `PersonImageGenerator.encode_source` returns, in the order of tf.nest.flatten:
    "features" becomes "encoded_feature_0" (coarse), "encoded_feature_1", ...
    """
    names = {
        key: [f"encoded_{key.removesuffix('s')}_{i}" for i in range(len(part))]
        if isinstance(part, (list, tuple))
        else f"encoded_{key}"
        for key, part in encoded.items()
    }
    return tf.nest.flatten(names)
