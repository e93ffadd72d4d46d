"""Flowed patches N_n(f, l + w): the n x n patch of a feature map around l + w (paper, Sec. 3.2)."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.ops import checks
from gfla_tf.ops.checks import TensorLike
from gfla_tf.ops.flow import sample_bilinear, sampling_positions

_LARGEST_NATIVE = 31  # kLargestKernel of custom_ops/kernels/shape.h


def flowed_patches(source: TensorLike, flow: TensorLike, kernel_size: int, impl: str = "auto") -> tf.Tensor:
    """Extracts the patch N_n(f, l + w) of the source f for every location l.

      out[b, y, x, i * n + j] = bilinear sample of f at (x + dx + j - r, y + dy + i - r),   r = n // 2

    Indices are clamped; see `gfla_tf.ops.flow` for the convention.

    All taps of a patch have the same fractional offset. The TensorFlow implementation therefore samples the
    integer patches of `tf.image.extract_patches` once per location.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import ops

    source, flow = tf.random.normal([1, 16, 16, 32]), tf.zeros([1, 16, 16, 2])
    patches = ops.flowed_patches(source, flow, kernel_size=3)
    print(patches.shape)  # (1, 16, 16, 9, 32)
    ```

    Args:
      source: f, float [B, H, W, C].
      flow: w, float [B, H, W, 2], (dx, dy) in pixels.
      kernel_size: n, odd or even; the taps run from -(n // 2).
      impl: "native" for the compiled operator, "tf" for TensorFlow's operators, "auto" for the compiled
        operator if it is available.

    Returns:
      [B, H, W, n*n, C] of the source's dtype, taps in row-major order. Differentiable in source and flow; the
      compiled operator has no second derivatives. The result is n*n times as large as the source;
      `gfla_tf.ops.local_attention` computes its weighted sum without it.

    Raises:
      ValueError: wrong rank or number of channels, different sizes, a `kernel_size` that is not a positive
        int, or an unknown `impl`.
      NativeUnavailableError: impl="native", but the compiled operators are not available.
    """
    source, flow = checks.image_and_flow(source, flow, "source")
    kernel_size = checks.positive_int(kernel_size, "kernel_size")
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
    # A further margin of n on each side: beyond it all patches are constant, so that clamping is exact.
    padded = pad_edge(source, n + before, n + after)
    patches = _integer_patches(padded, n)  # [B, H+2n, W+2n, n*n*C]
    x, y = sampling_positions(checks.at_least_float32(flow))
    out = sample_bilinear(patches, x + n, y + n)
    return tf.reshape(out, [shape[0], height, width, n * n, channels])  # [B, H, W, n*n, C]


def _integer_patches(image, n):
    """All n x n patches: [B, H, W, C] -> [B, H-n+1, W-n+1, n*n*C]; an empty image has empty ones."""

    def extract():
        return tf.image.extract_patches(image, [1, n, n, 1], [1, 1, 1, 1], [1, 1, 1, 1], padding="VALID")

    def empty():  # `extract_patches` refuses empty images
        batch, height, width, channels = tf.unstack(tf.shape(image))
        sides = [tf.maximum(side - (n - 1), 0) for side in (height, width)]
        return tf.reshape(image, [batch, *sides, n * n * channels])

    if image.shape.num_elements():
        return extract()
    patches = tf.cond(tf.size(image) > 0, extract, empty)
    channels = image.shape[-1]
    patches.set_shape([None, None, None, None if channels is None else n * n * channels])
    return patches


def pad_edge(image: tf.Tensor, before: int, after: int) -> tf.Tensor:
    """Pads by edge replication: [B, H, W, C] -> [B, before+H+after, before+W+after, C].

    An empty axis has no edge and stays empty.
    """
    rows = [tf.tile(image[:, :1], [1, before, 1, 1]), image, tf.tile(image[:, -1:], [1, after, 1, 1])]
    image = tf.concat(rows, axis=1)
    columns = [
        tf.tile(image[:, :, :1], [1, 1, before, 1]),
        image,
        tf.tile(image[:, :, -1:], [1, 1, after, 1]),
    ]
    return tf.concat(columns, axis=2)
