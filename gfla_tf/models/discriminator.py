"""D, the discriminator (paper, Sec. 3.2 and D)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf.images.scaling import scale_images
from gfla_tf.layers import DiscriminatorBlock, SpectralNormConv2D
from gfla_tf.layers.convolutions import lrelu
from gfla_tf.models.network import Network, build_sequence, map_spec
from gfla_tf.models.network_arguments import check_channels, check_widths, width_at
from gfla_tf.models.presets import PRESETS, discriminator_preset


@keras.saving.register_keras_serializable(package="gfla_tf")
class ResDiscriminator(Network):
    """Maps an image, real or generated, to a map of logits.

    The network consists of residual blocks, a leaky ReLU and a 1 x 1 convolution. All convolutions are
    spectrally normalized, with one power iteration per call with training=True.

    No trained weights of D come with gfla_tf: create a preset with
    `ResDiscriminator.from_preset(name, load_weights=False)`.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.models import ResDiscriminator

    d = ResDiscriminator(num_blocks=3)
    logits = d(tf.zeros([2, 128, 64, 3]))
    print(logits.shape)  # (2, 16, 8, 1)
    ```

    Args:
      num_blocks: number of residual blocks, each of which halves the resolution: 4 for fashion, 3 for market.
      image_channels: channels of the image.
      width: channels of the first block; they double per block, up to `max_width`.
      max_width: maximum number of channels.

    Call arguments:
      images: [B, H, W, 3], float in [-1, 1] or uint8 in [0, 255].
      training: whether to run the power iteration.

    Returns:
      Logits [B, H // 2^num_blocks, W // 2^num_blocks, 1], float32.

    Raises:
      ValueError: an argument of another type or out of range.
    """

    def __init__(
        self,
        num_blocks: int = 4,
        image_channels: int = 3,
        width: int = 32,
        max_width: int = 128,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_channels(image_channels=image_channels)
        check_widths("num_blocks", num_blocks, width, max_width)
        self.num_blocks = num_blocks
        self.image_channels = image_channels
        self.width = width
        self.max_width = max_width
        widths = [width_at(i + 1, width, max_width) for i in range(num_blocks)]
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
        build_sequence([*self.blocks, self.head], self.image_channels)

    def iterate(self) -> None:
        """Does the power iteration of a call with training=True, unless `trainable` is False."""
        if self.trainable:
            for layer in self._normalized_layers():
                layer.iterate()

    @property
    def power_vectors(self) -> list[Any]:
        """The variables of the power iterations."""
        return [vector for layer in self._normalized_layers() for vector in (layer.u, layer.v)]

    def _normalized_layers(self):
        return [layer for layer in self._flatten_layers() if isinstance(layer, SpectralNormConv2D)]

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = tf.cast(scale_images(images), self.compute_dtype)
        for block in self.blocks:
            x = block(x, training=training)
        return tf.cast(self.head(lrelu(x), training=training), tf.float32)

    def _signature(self):
        return map_spec(self.image_channels, "images")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_blocks": self.num_blocks,
            "image_channels": self.image_channels,
            "width": self.width,
            "max_width": self.max_width,
        }
