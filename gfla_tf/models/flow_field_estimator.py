"""F, the (global) flow field estimator (paper, Sec. 3.1)."""

import keras
import tensorflow as tf

from gfla_tf.layers import EncoderBlock, JumpBlock, ResidualDecoderBlock
from gfla_tf.layers.blocks import same
from gfla_tf.models.network import Network, check_size, levels, width_at


@keras.saving.register_keras_serializable(package="gfla_tf")
class FlowFieldEstimator(Network):
    """(w, m) = F(x_s, p_s, p_t): where every target location finds its content in the source, and whether it
    does.

    An encoder of `encoder_layers` blocks; a decoder that adds, at every resolution, a Jump of the encoder's
    output there; at each attention layer two 3 x 3 heads (Eq. 1): flow (2 channels) and mask (1 channel,
    sigmoid).

    Args:
      attention_layers: {layer: n}; layer L works at 1 / 2^L of the image. Only the keys matter here.
      image_channels, pose_channels: channels of the image and of each pose.
      width, max_width: channels after the first encoder block; they double a layer, to at most max_width.
      encoder_layers: down-samplings of the encoder, more than the coarsest attention layer.

    Call: (source_image [B, H, W, 3], source_pose [B, H, W, 18], target_pose [B, H, W, 18]) as a tuple or as
    the dict that `PersonImageGenerator` takes; H and W divisible by 2^encoder_layers. Returns (flows, masks),
    two lists from coarse to fine: [B, H/2^L, W/2^L, 2] in pixels of that map, (dx, dy), and
    [B, H/2^L, W/2^L, 1] in (0, 1); float32. `encode_source` and `estimate` are its two halves: one source can
    be encoded once for many poses.

    Raises:
      ValueError: no attention layer, one that the encoder does not go below, or sizes that cannot be halved.
    """

    def __init__(
        self,
        attention_layers=None,
        image_channels=3,
        pose_channels=18,
        width=32,
        max_width=256,
        encoder_layers=5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._levels = levels({3: 3, 2: 5} if attention_layers is None else attention_layers)
        if not self._levels:
            raise ValueError("F needs at least one attention layer, got none")
        self.image_channels = image_channels
        self.pose_channels = pose_channels
        self.width = width
        self.max_width = max_width
        self.encoder_layers = encoder_layers
        finest, coarsest = min(self.attention_layers), max(self.attention_layers)
        if coarsest >= encoder_layers:
            raise ValueError(
                f"encoder_layers={encoder_layers} must be more than the coarsest attention layer, {coarsest}"
            )
        self.encoder = [EncoderBlock(self._width(i + 1)) for i in range(encoder_layers)]
        self.decoder_layers = list(range(encoder_layers - 1, finest - 1, -1))
        self.decoder, self.jumps, self.flow_heads, self.mask_heads = [], [], [], []
        for layer in self.decoder_layers:
            width_out = self._width(layer)
            self.decoder.append(ResidualDecoderBlock(width_out, hidden=width_out))
            self.jumps.append(JumpBlock(width_out))
            if layer in self.attention_layers:
                self.flow_heads.append(same(2, dtype="float32"))
                self.mask_heads.append(same(1, dtype="float32"))
        self.build()

    @property
    def attention_layers(self):
        """{layer: n}, coarse to fine."""
        return dict(self._levels)

    @property
    def flow_variables(self):
        """The trainable variables that the flows depend on: all but the mask heads'."""
        masks = {id(variable) for head in self.mask_heads for variable in head.trainable_variables}
        return [variable for variable in self.trainable_variables if id(variable) not in masks]

    def _width(self, layer):
        return width_at(layer, self.width, self.max_width)

    def _build_layers(self):
        channels = self.image_channels + 2 * self.pose_channels
        for block in self.encoder:
            block.build((None, None, None, channels))
            channels = block.filters
        heads = iter(zip(self.flow_heads, self.mask_heads, strict=True))
        for layer, block, jump in zip(self.decoder_layers, self.decoder, self.jumps, strict=True):
            block.build((None, None, None, channels))
            channels = block.filters
            jump.build((None, None, None, channels))
            if layer in self.attention_layers:
                for head in next(heads):
                    head.build((None, None, None, channels))

    def call(self, inputs, training=None):
        if isinstance(inputs, dict):
            inputs = (inputs["source_image"], inputs["source_pose"], inputs["target_pose"])
        source_image, source_pose, target_pose = inputs
        return self.estimate(self.encode_source(source_image, source_pose), target_pose)

    def encode_source(self, source_image, source_pose):
        """What does not depend on the target pose: the source's part of the first convolution.

        source_image [B, H, W, 3], source_pose [B, H, W, 18] -> [B, H/2, W/2, width], for `estimate`.
        """
        source = tf.concat(
            [tf.cast(part, self.compute_dtype) for part in (source_image, source_pose)], axis=-1
        )
        check_size(source, 2**self.encoder_layers, "the source of F")
        return self.encoder[0].project(source, 0)

    def estimate(self, encoded_source, target_pose):
        """The rest of the call: (flows, masks), given what `encode_source` returned."""
        target = tf.cast(target_pose, self.compute_dtype)
        check_size(target, 2**self.encoder_layers, "the target pose of F")
        first, *others = self.encoder
        projected = first.project(target, self.image_channels + self.pose_channels)
        x = first.join([encoded_source, projected])
        encoded = [x]
        for block in others:
            x = block(x)
            encoded.append(x)
        flows, masks = [], []
        for layer, block, jump in zip(self.decoder_layers, self.decoder, self.jumps, strict=True):
            x = block(x) + jump(encoded[layer - 1])
            if layer in self.attention_layers:
                flows.append(self.flow_heads[len(flows)](x))
                masks.append(tf.sigmoid(self.mask_heads[len(masks)](x)))
        return flows, masks

    def get_config(self):
        return {
            **super().get_config(),
            "attention_layers": {str(layer): n for layer, n in self.attention_layers.items()},
            "image_channels": self.image_channels,
            "pose_channels": self.pose_channels,
            "width": self.width,
            "max_width": self.max_width,
            "encoder_layers": self.encoder_layers,
        }
