"""F, the (global) flow field estimator (paper, Sec. 3.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import arguments
from gfla_tf.images.scaling import check_maps, scale_images
from gfla_tf.layers import EncoderBlock, JumpBlock, ResidualDecoderBlock
from gfla_tf.layers.convolutions import same
from gfla_tf.models.network import Network, build_sequence, check_size, map_spec
from gfla_tf.models.network_arguments import (
    MAX_SIDE,
    check_attention_layers,
    check_channels,
    check_widths,
    width_at,
)


@dataclasses.dataclass(frozen=True, eq=False)
class FlowLevel:
    """One level of the decoder of F, at 1 / 2^layer of the image size; only attention layers have heads."""

    layer: int
    decoder: ResidualDecoderBlock
    jump: JumpBlock
    flow_head: keras.layers.Conv2D | None
    mask_head: keras.layers.Conv2D | None


@keras.saving.register_keras_serializable(package="gfla_tf")
class FlowFieldEstimator(Network):
    """Estimates where the content of each target location is in the source, and whether it is visible there.

      w, m = F(x_s, p_s, p_t)                                                                       Eq. 1

    The encoder has `encoder_layers` blocks. At each resolution, the decoder adds the encoder's output through
    a jump connection. At each attention layer, two 3 x 3 convolutions predict the flow w (2 channels) and the
    mask m (1 channel, sigmoid).

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.models import FlowFieldEstimator

    f = FlowFieldEstimator(attention_layers={3: 3, 2: 5}, width=8)
    image, pose = tf.zeros([1, 64, 64, 3]), tf.zeros([1, 64, 64, 18])
    flows, masks = f((image, pose, pose))
    print([tuple(flow.shape) for flow in flows])  # [(1, 8, 8, 2), (1, 16, 16, 2)]
    ```

    Args:
      attention_layers: {layer: n}; layer L has 1 / 2^L of the image size. Only the keys are used here.
        Defaults to {3: 3, 2: 5}.
      image_channels: channels of the source image.
      pose_channels: channels of each pose.
      width: channels after the first encoder block; they double per layer, up to `max_width`.
      max_width: maximum number of channels.
      encoder_layers: number of downsampling blocks, greater than the coarsest attention layer.
      heatmap_sigma: standard deviation, in pixels, of the pose maps F is trained with. F does not use it.

    Call arguments:
      inputs: a tuple (source_image, source_pose, target_pose), or a dict with these keys.
        source_image is [B, H, W, 3], float in [-1, 1] or uint8 in [0, 255]; the poses are [B, H, W, 18].
        H and W are divisible by 2^encoder_layers.

    Returns:
      (flows, masks), two lists of float32 tensors from coarse to fine: [B, H/2^L, W/2^L, 2], offsets
      (dx, dy) in pixels of that feature map, and [B, H/2^L, W/2^L, 1] in (0, 1). `encode_source` and
      `estimate` are the two halves of the call, so that one source can be encoded once for many poses.

    Raises:
      ValueError: an argument of another type or out of range, no attention layers, an attention layer that is
        not less than `encoder_layers`, or H or W is not divisible by 2^encoder_layers.
    """

    def __init__(
        self,
        attention_layers: Mapping[int | str, int] | None = None,
        image_channels: int = 3,
        pose_channels: int = 18,
        width: int = 32,
        max_width: int = 256,
        encoder_layers: int = 5,
        heatmap_sigma: float = 6.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._attention_layers = check_attention_layers(
            {3: 3, 2: 5} if attention_layers is None else attention_layers
        )
        check_channels(image_channels=image_channels, pose_channels=pose_channels)
        check_widths("encoder_layers", encoder_layers, width, max_width)
        if not self._attention_layers:
            raise ValueError("F needs at least one attention layer, got none")
        self.image_channels = image_channels
        self.pose_channels = pose_channels
        self.width = width
        self.max_width = max_width
        self.encoder_layers = encoder_layers
        self.heatmap_sigma = arguments.number("heatmap_sigma", heatmap_sigma, 0, MAX_SIDE, strict=True)
        finest, coarsest = min(self.attention_layers), max(self.attention_layers)
        if coarsest >= encoder_layers:
            raise ValueError(
                f"encoder_layers={encoder_layers} must be more than the coarsest attention layer, {coarsest}"
            )
        self.encoder = [EncoderBlock(width_at(i + 1, width, max_width)) for i in range(encoder_layers)]
        self.levels = tuple(self._level(layer) for layer in range(encoder_layers - 1, finest - 1, -1))
        # Keras saves the weights under these attributes.
        self.decoder, self.jumps, self.flow_heads, self.mask_heads = [], [], [], []
        for level in self.levels:
            self.decoder.append(level.decoder)
            self.jumps.append(level.jump)
            if level.layer in self.attention_layers:
                self.flow_heads.append(level.flow_head)
                self.mask_heads.append(level.mask_head)
        self.build()

    def _level(self, layer):
        channels = width_at(layer, self.width, self.max_width)
        heads = layer in self.attention_layers
        return FlowLevel(
            layer,
            decoder=ResidualDecoderBlock(channels, hidden=channels),
            jump=JumpBlock(channels),
            flow_head=same(2, dtype="float32") if heads else None,
            mask_head=same(1, dtype="float32") if heads else None,
        )

    @property
    def attention_layers(self) -> dict[int, int]:
        """{layer: n}, from coarse to fine."""
        return dict(self._attention_layers)

    @property
    def flow_variables(self) -> list:
        """The trainable variables that the flows depend on: all except those of the mask heads."""
        masks = {id(variable) for head in self.mask_heads for variable in head.trainable_variables}
        return [variable for variable in self.trainable_variables if id(variable) not in masks]

    def _build_layers(self):
        channels = build_sequence(self.encoder, self.image_channels + 2 * self.pose_channels)
        for level in self.levels:
            channels = build_sequence([level.decoder], channels)
            for layer in (level.jump, level.flow_head, level.mask_head):
                if layer is not None:
                    layer.build((None, None, None, channels))

    def call(
        self, inputs: Sequence[tf.Tensor] | Mapping[str, tf.Tensor], training: bool | None = None
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        if isinstance(inputs, dict):
            inputs = (inputs["source_image"], inputs["source_pose"], inputs["target_pose"])
        source_image, source_pose, target_pose = inputs
        return self.estimate(self.encode_source(source_image, source_pose), target_pose)

    def encode_source(self, source_image: tf.Tensor, source_pose: tf.Tensor) -> tf.Tensor:
        """Computes what does not depend on the target pose: the source's part of the first convolution.

        Args:
          source_image: [B, H, W, 3], float in [-1, 1] or uint8 in [0, 255].
          source_pose: [B, H, W, 18].

        Returns:
          [B, H/2, W/2, width], the first argument of `estimate`.
        """
        parts = (scale_images(source_image, "source_image"), check_maps(source_pose, "source_pose"))
        source = tf.concat([tf.cast(part, self.compute_dtype) for part in parts], axis=-1)  # [B, H, W, 3+18]
        check_size(source, 2**self.encoder_layers, "the source of F")
        return self.encoder[0].project(source, 0)

    def estimate(
        self, encoded_source: tf.Tensor, target_pose: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Computes the flows and masks of a target pose.

        Args:
          encoded_source: the result of `encode_source`.
          target_pose: [B, H, W, 18].

        Returns:
          (flows, masks), as for the call.
        """
        p_t = tf.cast(check_maps(target_pose, "target_pose"), self.compute_dtype)
        check_size(p_t, 2**self.encoder_layers, "the target pose of F")
        first, *others = self.encoder
        x = first.join([encoded_source, first.project(p_t, self.image_channels + self.pose_channels)])
        encoded = [x]  # layer L at index L - 1: [B, H/2^L, W/2^L, C_L]
        for block in others:
            x = block(x)
            encoded.append(x)
        flows, masks = [], []
        for level in self.levels:
            x = level.decoder(x) + level.jump(encoded[level.layer - 1])
            if level.layer in self.attention_layers:
                flows.append(level.flow_head(x))  # w [B, H/2^L, W/2^L, 2]
                masks.append(tf.sigmoid(level.mask_head(x)))  # m [B, H/2^L, W/2^L, 1]
        return flows, masks

    def _signature(self):
        channels = {
            "source_image": self.image_channels,
            "source_pose": self.pose_channels,
            "target_pose": self.pose_channels,
        }
        return {name: map_spec(count, name) for name, count in channels.items()}

    def _serve(self, inputs):
        flows, masks = self(inputs)
        return self.named_outputs({"flows": flows, "masks": masks})

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "attention_layers": {str(layer): n for layer, n in self.attention_layers.items()},
            "image_channels": self.image_channels,
            "pose_channels": self.pose_channels,
            "width": self.width,
            "max_width": self.max_width,
            "encoder_layers": self.encoder_layers,
            "heatmap_sigma": self.heatmap_sigma,
        }
