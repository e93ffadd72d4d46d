"""G, the target image generator (the local neural texture renderer; paper, Sec. 3.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from gfla_tf.arguments import boolean
from gfla_tf.images.scaling import check_maps, scale_images
from gfla_tf.layers import EncoderBlock, LocalAttention, OutputBlock, ResidualBlock, ResidualDecoderBlock
from gfla_tf.models.network import Network, build_sequence, check_size, map_spec
from gfla_tf.models.network_arguments import check_attention_layers, check_channels, check_widths, width_at


@dataclasses.dataclass(frozen=True, eq=False)
class RenderLevel:
    """One level of the decoder of G, at 1 / 2^layer of the image size; `channels` is that of its input."""

    layer: int
    channels: int
    attention: LocalAttention | None
    residual: ResidualBlock
    decoder: ResidualDecoderBlock


@keras.saving.register_keras_serializable(package="gfla_tf")
class TargetImageGenerator(Network):
    """Renders the target image from the source image, the target pose, the flows and the masks.

      x = G(x_s, p_t, w, m)                                                                         Eq. 7

    A source branch encodes x_s. A target branch encodes p_t and decodes it; at each attention layer, its
    features f_t are blended with source features f_s that local attention samples along the flow:

      f_t <- (1 - m) * f_t + m * attention(f_s, f_t, w)                                             Eq. 10

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.models import TargetImageGenerator

    g = TargetImageGenerator(attention_layers={2: 3}, width=8)
    image = g(
        {
            "source_image": tf.zeros([1, 64, 64, 3]),
            "guidance": tf.zeros([1, 64, 64, 18]),
            "flows": [tf.zeros([1, 16, 16, 2])],
            "masks": [tf.ones([1, 16, 16, 1])],
        }
    )
    print(image.shape)  # (1, 64, 64, 3)
    ```

    Args:
      attention_layers: {layer: n}: local attention with patch size n at 1 / 2^layer of the image size.
        Defaults to {3: 3, 2: 5}. If empty, the network is the auto-encoder of the ablation (Sec. 4.3),
        without a source branch.
      image_channels: channels of the source image and of the output.
      guidance_channels: channels of the input of the target branch: 18 for a pose, 39 for the auto-encoder,
        whose input is the concatenation of x_s, p_s and p_t.
      width: channels of the first encoder block; they double per layer, up to `max_width`.
      max_width: maximum number of channels.
      num_layers: number of downsampling blocks of both branches, at least the coarsest attention layer.
      attention_hidden: hidden channels of the kernel prediction nets.
      average_attention: whether to keep the factor 1/n^2 of the paper; see
        `gfla_tf.layers.LocalAttention`.
      normalize_source: whether the first block of the source branch has instance normalizations.

    Call arguments:
      inputs: a dict with "guidance" [B, H, W, guidance_channels] and, with attention layers, "source_image"
        [B, H, W, 3], float in [-1, 1] or uint8 in [0, 255], and "flows" and "masks", as
        `FlowFieldEstimator` returns them. H and W are divisible by 2^num_layers.
      return_attention: whether to return the attention kernels as well.

    Returns:
      The image [B, H, W, 3] in [-1, 1], float32. If `return_attention`, (image, kernels) with a list of
      kernels [B, H/2^L, W/2^L, n*n] from coarse to fine. `encode_source` and `render` are the two halves of
      the call, so that one source can be encoded once for many poses.

    Raises:
      ValueError: an argument of another type or out of range, an attention layer greater than `num_layers`,
        or H or W is not divisible by 2^num_layers.
    """

    def __init__(
        self,
        attention_layers: Mapping[int | str, int] | None = None,
        image_channels: int = 3,
        guidance_channels: int = 18,
        width: int = 64,
        max_width: int = 512,
        num_layers: int = 3,
        attention_hidden: int = 128,
        average_attention: bool = True,
        normalize_source: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._attention_layers = check_attention_layers(
            {3: 3, 2: 5} if attention_layers is None else attention_layers
        )
        check_channels(
            image_channels=image_channels,
            guidance_channels=guidance_channels,
            attention_hidden=attention_hidden,
        )
        check_widths("num_layers", num_layers, width, max_width)
        boolean("average_attention", average_attention)
        boolean("normalize_source", normalize_source)
        self.image_channels = image_channels
        self.guidance_channels = guidance_channels
        self.width = width
        self.max_width = max_width
        self.num_layers = num_layers
        self.attention_hidden = attention_hidden
        self.average_attention = average_attention
        self.normalize_source = normalize_source
        if max(self.attention_layers, default=1) > num_layers:
            raise ValueError(
                f"num_layers={num_layers} must be at least the coarsest attention layer, "
                f"{max(self.attention_layers)}"
            )
        layers = range(1, num_layers + 1)
        self.source_encoder = []
        if self.attention_layers:
            self.source_encoder = [
                EncoderBlock(self._width(layer), normalize=normalize_source or layer > 1) for layer in layers
            ]
        self.target_encoder = [EncoderBlock(self._width(layer)) for layer in layers]
        self.levels = tuple(self._level(layer) for layer in reversed(layers))
        # Keras saves the weights under these attributes.
        self.attention, self.residuals, self.decoder = [], [], []
        for level in self.levels:
            if level.attention is not None:
                self.attention.append(level.attention)
            self.residuals.append(level.residual)
            self.decoder.append(level.decoder)
        self.output_block = OutputBlock(image_channels)
        self.build()

    def _width(self, layer):
        return width_at(layer, self.width, self.max_width)

    def _level(self, layer):
        channels, n = self._width(layer), self.attention_layers.get(layer)
        return RenderLevel(
            layer,
            channels,
            attention=LocalAttention(n, self.attention_hidden, self.average_attention) if n else None,
            residual=ResidualBlock(channels),
            decoder=ResidualDecoderBlock(self._width(max(layer - 1, 1)), hidden=channels),
        )

    @property
    def attention_layers(self) -> dict[int, int]:
        """{layer: n}, from coarse to fine."""
        return dict(self._attention_layers)

    @property
    def trained_variables(self) -> list:
        """The trainable variables that the image depends on.

        Source blocks below the coarsest attention layer are not used; their variables are left out.
        """
        coarsest = max(self.attention_layers, default=0)
        unused = {
            id(variable) for block in self.source_encoder[coarsest:] for variable in block.trainable_variables
        }
        return [variable for variable in self.trainable_variables if id(variable) not in unused]

    def _build_layers(self):
        build_sequence(self.source_encoder, self.image_channels)
        build_sequence(self.target_encoder, self.guidance_channels)
        for level in self.levels:
            for layer in (level.attention, level.residual, level.decoder):
                if layer is not None:
                    layer.build((None, None, None, level.channels))
        build_sequence([self.output_block], level.decoder.filters)

    def encode_source(self, source_image: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Computes everything that depends on the source only.

        Args:
          source_image: [B, H, W, 3], float in [-1, 1] or uint8 in [0, 255].

        Returns:
          One pair per attention layer, from coarse to fine: the features f_s [B, h, w, C], and the part of
          the kernel prediction net's first layer that reads them, [B, h+2r, w+2r, hidden]; see
          `gfla_tf.layers.LocalAttention.project_source`.
        """
        x = tf.cast(scale_images(source_image, "source_image"), self.compute_dtype)
        check_size(x, 2**self.num_layers, "source_image")
        features = []  # layer L at index L - 1: [B, H/2^L, W/2^L, C_L]
        for block in self.source_encoder[: max(self.attention_layers, default=0)]:
            x = block(x)
            features.append(x)
        return [
            (features[layer - 1], attention.project_source(features[layer - 1]))
            for layer, attention in zip(self.attention_layers, self.attention, strict=True)
        ]

    def render(
        self,
        guidance: tf.Tensor,
        encoded_source: Sequence[tuple[tf.Tensor, tf.Tensor]] = (),
        flows: Sequence[tf.Tensor] = (),
        masks: Sequence[tf.Tensor] = (),
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Computes the target branch.

        Args:
          guidance: [B, H, W, guidance_channels], the target pose.
          encoded_source: the result of `encode_source`.
          flows: the flows w, from coarse to fine.
          masks: the masks m, from coarse to fine.

        Returns:
          (image, kernels), as the call with `return_attention=True`.

        Raises:
          ValueError: not one encoded source, flow and mask per attention layer.
        """
        received = (len(encoded_source), len(flows), len(masks))
        if received != (len(self.attention),) * 3:
            raise ValueError(
                f"G needs one encoded source, flow and mask for each of its {len(self.attention)} attention "
                f"layers, got {received[0]}, {received[1]} and {received[2]}"
            )
        f_t = tf.cast(check_maps(guidance, "guidance", low=-1.0), self.compute_dtype)
        check_size(f_t, 2**self.num_layers, "guidance")
        for block in self.target_encoder:
            f_t = block(f_t)
        kernels = []
        for level in self.levels:
            if level.attention is not None:
                i = len(kernels)
                (f_s, projected), w, m = encoded_source[i], flows[i], tf.cast(masks[i], f_t.dtype)
                f_attn, k = level.attention(f_s, f_t, w, return_attention=True, projected_source=projected)
                f_t = (1 - m) * f_t + m * f_attn  # Eq. 10: [B, H/2^L, W/2^L, C_L]
                kernels.append(k)  # [B, H/2^L, W/2^L, n*n]
            f_t = level.decoder(level.residual(f_t))  # [B, H/2^(L-1), W/2^(L-1), C_(L-1)]
        return self.output_block(f_t), kernels

    def call(
        self,
        inputs: Mapping[str, Any],
        training: bool | None = None,
        return_attention: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, list[tf.Tensor]]:
        source = ()
        if self.attention_layers:
            source = (self.encode_source(inputs["source_image"]), inputs["flows"], inputs["masks"])
        image, kernels = self.render(inputs["guidance"], *source)
        return (image, kernels) if return_attention else image

    def _signature(self):
        guidance = {"guidance": map_spec(self.guidance_channels, "guidance")}
        if not self.attention_layers:
            return guidance
        levels = range(len(self.attention_layers))
        return {
            **guidance,
            "source_image": map_spec(self.image_channels, "source_image"),
            "flows": [map_spec(2, f"flow_{i}") for i in levels],
            "masks": [map_spec(1, f"mask_{i}") for i in levels],
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "attention_layers": {str(layer): n for layer, n in self.attention_layers.items()},
            "image_channels": self.image_channels,
            "guidance_channels": self.guidance_channels,
            "width": self.width,
            "max_width": self.max_width,
            "num_layers": self.num_layers,
            "attention_hidden": self.attention_hidden,
            "average_attention": self.average_attention,
            "normalize_source": self.normalize_source,
        }
