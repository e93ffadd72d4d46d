"""N_n(f, l + w): the n x n patch of a feature map around where the flow points (paper, Sec. 3.2)."""

import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.ops import checks
from gfla_tf.ops.flow import sample_bilinear, sampling_positions

_LARGEST_NATIVE = 31  # kLargestKernel of custom_ops/kernels/shape.h


def flowed_patches(source, flow, kernel_size, impl="auto"):
    """Copies, for every location l, the n x n patch of the source around l + w(l).

    out[b, y, x, i * n + j] = bilinear read of source at (x + dx + j - r, y + dy + i - r), r = n // 2, every
    index clamped into the map (see `gfla_tf.ops.flow` for the convention).

    All taps of a patch share one fractional offset, so the patch is one bilinear read of the map of integer
    patches, which `tf.image.extract_patches` makes of the edge-replicated source.

    Args:
      source: float [B, H, W, C].
      flow: float [B, H, W, 2], (dx, dy) in pixels.
      kernel_size: n, odd or even; taps run from -(n // 2).
      impl: "auto", "native" or "tf".

    Returns:
      [B, H, W, n*n, C] of the source's dtype, taps row-major (y first); differentiable in source and flow.
      It is n*n times as large as the source: attention does not need it, see `gfla_tf.ops.local_attention`.

    Raises:
      ValueError: wrong rank, channels, sizes that differ, kernel_size not a positive int, unknown impl.
      NativeUnavailableError: impl="native" where the compiled operators are not there.
    """
    source, flow = checks.image_and_flow(source, flow, "source")
    checks.positive_int(kernel_size, "kernel_size")
    unsupported = native.beyond("kernel_size", kernel_size, _LARGEST_NATIVE)
    if native.choose("flowed_patches", impl, unsupported) == "native":
        flow = tf.cast(flow, checks.flow_dtype(source))
        return native.library().gfla_flowed_patches(source, flow, kernel_size=kernel_size)
    return _flowed_patches_tf(source, flow, kernel_size)


@tf.RegisterGradient("GflaFlowedPatches")
def _native_gradient(op, upstream):
    return native.library().gfla_flowed_patches_gradient(
        *op.inputs, upstream, kernel_size=op.get_attr("kernel_size")
    )


def _flowed_patches_tf(source, flow, n):
    shape = tf.shape(source)
    height, width, channels = shape[1], shape[2], source.shape[-1]
    before, after = n // 2, n - 1 - n // 2
    # One more margin of n on each side: beyond it all patches are constant, so clamping is exact there.
    padded = pad_edge(source, n + before, n + after)
    patches = tf.image.extract_patches(
        padded, sizes=[1, n, n, 1], strides=[1, 1, 1, 1], rates=[1, 1, 1, 1], padding="VALID"
    )  # [B, H+2n, W+2n, n*n*C]
    x, y = sampling_positions(checks.at_least_float32(flow))
    out = sample_bilinear(patches, x + n, y + n)
    return tf.reshape(out, [shape[0], height, width, n * n, channels])  # [B, H, W, n*n, C]


def pad_edge(image, before, after):
    """Replicates the edges: [B, H, W, C] -> [B, before+H+after, before+W+after, C]."""
    shape = tf.shape(image)
    rows = tf.clip_by_value(tf.range(-before, shape[1] + after), 0, shape[1] - 1)
    columns = tf.clip_by_value(tf.range(-before, shape[2] + after), 0, shape[2] - 1)
    return tf.gather(tf.gather(image, rows, axis=1), columns, axis=2)
