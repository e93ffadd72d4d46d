"""G, the target image generator (the local neural texture renderer; paper, Sec. 3.2)."""

import keras
import tensorflow as tf

from gfla_tf.layers import EncoderBlock, LocalAttention, OutputBlock, ResidualBlock, ResidualDecoderBlock
from gfla_tf.models.network import Network, check_size, levels, width_at


@keras.saving.register_keras_serializable(package="gfla_tf")
class TargetImageGenerator(Network):
    """x = G(x_s, p_t, w, m): a source branch, a target branch, and local attention from one to the other.

    At each attention layer, features of the target branch are replaced where the mask says so:

      out = (1 - m) * out + m * attention(f_s, out, w)                                                Eq. 10

    Args:
      attention_layers: {layer: n}: local attention of patch size n at 1 / 2^layer of the image. Empty: the
        auto-encoder of the ablation, without a source branch.
      image_channels: channels of the image, read and written.
      guidance_channels: channels of the target branch's input: 18 pose maps (the auto-encoder takes x_s, p_s,
        p_t: 39).
      width, max_width: channels of the first encoder block; they double a layer, to at most max_width.
      num_layers: down-samplings of both branches, at least the coarsest attention layer.
      attention_hidden: width of the kernel prediction nets.
      average_attention: keeps the paper's 1/n^2, see `gfla_tf.layers.LocalAttention`.
      normalize_source: False leaves the instance normalisations out of the source branch's first block.

    Call: a dict of guidance [B, H, W, guidance_channels] and, with attention, source_image [B, H, W, 3],
    flows and masks as F gives them; H and W divisible by 2^num_layers. Returns the image [B, H, W, 3] in [-1,
    1], float32; with return_attention=True also the list of kernels [B, H/2^L, W/2^L, n*n], coarse to fine.
    `encode_source` and `render` are its two halves: one source can be encoded once for many poses.

    Raises:
      ValueError: an attention layer deeper than num_layers, or sizes that cannot be halved.
    """

    def __init__(
        self,
        attention_layers=None,
        image_channels=3,
        guidance_channels=18,
        width=64,
        max_width=512,
        num_layers=3,
        attention_hidden=128,
        average_attention=True,
        normalize_source=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._levels = levels({3: 3, 2: 5} if attention_layers is None else attention_layers)
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
                f"num_layers={num_layers} must reach the coarsest attention layer, "
                f"{max(self.attention_layers)}"
            )
        widths = [width_at(layer, width, max_width) for layer in range(1, num_layers + 1)]
        self.source_encoder = []
        if self.attention_layers:
            self.source_encoder = [
                EncoderBlock(channels, normalize=normalize_source or i > 0)
                for i, channels in enumerate(widths)
            ]
        self.target_encoder = [EncoderBlock(channels) for channels in widths]
        self.attention, self.residuals, self.decoder = [], [], []
        for layer in range(num_layers, 0, -1):
            if layer in self.attention_layers:
                self.attention.append(
                    LocalAttention(self.attention_layers[layer], attention_hidden, average_attention)
                )
            channels = widths[layer - 1]
            self.residuals.append(ResidualBlock(channels))
            self.decoder.append(ResidualDecoderBlock(widths[max(layer - 2, 0)], hidden=channels))
        self.output_block = OutputBlock(image_channels)
        self.build()

    @property
    def attention_layers(self):
        """{layer: n}, coarse to fine."""
        return dict(self._levels)

    @property
    def trained_variables(self):
        """The trainable variables that the image depends on: none of source blocks below all attention."""
        deepest = max(self.attention_layers, default=0)
        unused = {
            id(variable) for block in self.source_encoder[deepest:] for variable in block.trainable_variables
        }
        return [variable for variable in self.trainable_variables if id(variable) not in unused]

    def _build_layers(self):
        for encoder, channels in (
            (self.source_encoder, self.image_channels),
            (self.target_encoder, self.guidance_channels),
        ):
            for block in encoder:
                block.build((None, None, None, channels))
                channels = block.filters
        attention = iter(self.attention)
        for layer, residual, block in self._decoding():
            channels = residual.filters
            if layer in self.attention_layers:
                next(attention).build((None, None, None, channels))
            residual.build((None, None, None, channels))
            block.build((None, None, None, channels))
        self.output_block.build((None, None, None, self.decoder[-1].filters))

    def _decoding(self):
        return zip(range(self.num_layers, 0, -1), self.residuals, self.decoder, strict=True)

    def encode_source(self, source_image):
        """Everything that depends on the source alone.

        source_image [B, H, W, 3] -> a list, coarse to fine, of (features [B, h, w, C], M's first layer of
        them [B, h+2r, w+2r, hidden]), one pair for each attention layer.
        """
        x = tf.cast(source_image, self.compute_dtype)
        check_size(x, 2**self.num_layers, "source_image")
        features = []
        for block in self.source_encoder[: max(self.attention_layers)]:
            x = block(x)
            features.append(x)
        return [
            (features[layer - 1], attention.project_source(features[layer - 1]))
            for layer, attention in zip(self.attention_layers, self.attention, strict=True)
        ]

    def render(self, guidance, encoded_source=(), flows=(), masks=()):
        """The target branch: (image, attention kernels), given what `encode_source` and F returned."""
        x = tf.cast(guidance, self.compute_dtype)
        check_size(x, 2**self.num_layers, "guidance")
        for block in self.target_encoder:
            x = block(x)
        kernels = []
        for layer, residual, decoder in self._decoding():
            if layer in self.attention_layers:
                i = len(kernels)
                features, projected = encoded_source[i]
                attended, kernel = self.attention[i](
                    features, x, flows[i], return_attention=True, projected_source=projected
                )
                mask = tf.cast(masks[i], x.dtype)
                x = (1 - mask) * x + mask * attended
                kernels.append(kernel)
            x = decoder(residual(x))
        return self.output_block(x), kernels

    def call(self, inputs, training=None, return_attention=False):
        encoded = self.encode_source(inputs["source_image"]) if self.attention_layers else ()
        image, kernels = self.render(
            inputs["guidance"], encoded, inputs.get("flows", ()), inputs.get("masks", ())
        )
        return (image, kernels) if return_attention else image

    def get_config(self):
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
