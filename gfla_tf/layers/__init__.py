"""Keras layers: normalization, the blocks of the paper, local attention and spectral normalization."""

from gfla_tf.layers.blocks import (
    EncoderBlock,
    JumpBlock,
    OutputBlock,
    ResidualBlock,
    ResidualDecoderBlock,
)
from gfla_tf.layers.discriminator_block import DiscriminatorBlock
from gfla_tf.layers.local_attention import LocalAttention
from gfla_tf.layers.normalization import InstanceNormalization
from gfla_tf.layers.spectral_norm import SpectralNormConv2D
from gfla_tf.layers.up_conv import UpConv2D

__all__ = [
    "DiscriminatorBlock",
    "EncoderBlock",
    "InstanceNormalization",
    "JumpBlock",
    "LocalAttention",
    "OutputBlock",
    "ResidualBlock",
    "ResidualDecoderBlock",
    "SpectralNormConv2D",
    "UpConv2D",
]
