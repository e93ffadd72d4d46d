"""D, the discriminator (paper, Sec. 3.2 and D)."""

import keras
import tensorflow as tf

from gfla_tf.layers import DiscriminatorBlock, SpectralNormConv2D
from gfla_tf.layers.blocks import lrelu
from gfla_tf.models.network import Network
from gfla_tf.models.presets import PRESETS, discriminator_preset


@keras.saving.register_keras_serializable(package="gfla_tf")
class ResDiscriminator(Network):
    """A map of logits for an image, real or generated: residual blocks, then LReLU and a 1 x 1 convolution.

    Spectrally normalised throughout; one power iteration a call with training=True.

    Args:
      num_blocks: down-samplings, 4 for fashion and 3 for market.
      image_channels: channels of the image.
      width, max_width: channels of the first block; they double a block, to at most max_width.

    Call: images [B, H, W, 3] in [-1, 1] -> logits [B, H / 2^num_blocks, W / 2^num_blocks, 1], float32.
    """

    def __init__(self, num_blocks=4, image_channels=3, width=32, max_width=128, **kwargs):
        super().__init__(**kwargs)
        self.num_blocks = num_blocks
        self.image_channels = image_channels
        self.width = width
        self.max_width = max_width
        widths = [min(width * 2**i, max_width) for i in range(num_blocks)]
        hidden = [width, *widths[:-1]]
        self.blocks = [DiscriminatorBlock(w, hidden=h) for w, h in zip(widths, hidden, strict=True)]
        self.head = SpectralNormConv2D(1, 1)
        self.build()

    @classmethod
    def _preset_names(cls):
        return tuple(PRESETS)

    @classmethod
    def _preset_arguments(cls, name):
        return discriminator_preset(name)

    def _build_layers(self):
        channels = self.image_channels
        for block in self.blocks:
            block.build((None, None, None, channels))
            channels = block.filters
        self.head.build((None, None, None, channels))

    def call(self, images, training=False):
        x = tf.cast(images, self.compute_dtype)
        for block in self.blocks:
            x = block(x, training=training)
        return tf.cast(self.head(lrelu(x), training=training), tf.float32)

    def get_config(self):
        return {
            **super().get_config(),
            "num_blocks": self.num_blocks,
            "image_channels": self.image_channels,
            "width": self.width,
            "max_width": self.max_width,
        }
