"""The operators: bilinear and Gaussian warps, flowed patches, local attention and instance normalization."""

from gfla_tf.native.loader import NativeUnavailableError, native_available, portable
from gfla_tf.ops.flow import bilinear_warp, gaussian_warp
from gfla_tf.ops.flowed_patches import flowed_patches
from gfla_tf.ops.instance_norm import instance_norm
from gfla_tf.ops.local_attention import local_attention

__all__ = [
    "NativeUnavailableError",
    "bilinear_warp",
    "flowed_patches",
    "gaussian_warp",
    "instance_norm",
    "local_attention",
    "native_available",
    "portable",
]
