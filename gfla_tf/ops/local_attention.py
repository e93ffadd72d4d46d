"""Local attention: the weighted sum of a flowed patch (paper, Eq. 9), computed without the patches.

All taps of a patch have the same fractional offset, so the n x n bilinear samples of one location depend on
(n + 1) x (n + 1) pixels only. With the taps k[i, j] of the kernel, k = 0 outside them, and r = n // 2:

    (x0, y0) = floor(l + w),   (a, b) = l + w - (x0, y0)
    sum_ij k[i, j] patch[i, j] = sum_pq K[p, q] source[clamp(y0 - r + p), clamp(x0 - r + q)]
    K[p, q] = (1-b)(1-a) k[p, q] + (1-b) a k[p, q-1] + b (1-a) k[p-1, q] + b a k[p-1, q-1]

Both the compiled operator and the TensorFlow implementation compute the right-hand side.
"""

from __future__ import annotations

import math

import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.ops import checks
from gfla_tf.ops.checks import TensorLike
from gfla_tf.ops.flow import sampling_positions, split_position

_LARGEST_NATIVE = 31  # kLargestKernel of custom_ops/kernels/shape.h


def local_attention(
    source: TensorLike, flow: TensorLike, kernels: TensorLike, impl: str = "auto"
) -> tf.Tensor:
    """Computes the sum over the patch N_n(f, l + w) of the source f, weighted by the kernel k_l (Eq. 9).

      out(l) = sum_ij k_l[i, j] N_n(f, l + w)[i, j]

    This equals `tf.reduce_sum(kernels[..., None] * flowed_patches(source, flow, n), axis=3)`, but uses the
    memory of a few feature maps instead of n*n, in the forward and in the backward pass.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import ops

    source, flow = tf.random.normal([1, 16, 16, 32]), tf.zeros([1, 16, 16, 2])
    kernels = tf.nn.softmax(tf.random.normal([1, 16, 16, 9]))
    out = ops.local_attention(source, flow, kernels)
    print(out.shape)  # (1, 16, 16, 32)
    ```

    Args:
      source: f, float [B, H, W, C].
      flow: w, float [B, H, W, 2], (dx, dy) in pixels; see `gfla_tf.ops.flow` for the convention.
      kernels: k, float [B, H, W, n*n], n odd, taps in row-major order. They need not be normalized.
      impl: "native" for the compiled operator, "tf" for TensorFlow's operators, "auto" for the compiled
        operator if it is available.

    Returns:
      [B, H, W, C] of the source's dtype: the sum over the taps, not their mean. Differentiable in all
      arguments; the compiled operator has no second derivatives. It sums float16 and bfloat16 in float32.

    Raises:
      ValueError: wrong rank or number of channels, different sizes, an even n, a number of taps that is not a
        square, or an unknown `impl`.
      NativeUnavailableError: impl="native", but the compiled operators are not available.
    """
    source, flow = checks.image_and_flow(source, flow, "source")
    kernels = tf.convert_to_tensor(kernels)
    n = _kernel_size(kernels)
    if not kernels.shape[:3].is_compatible_with(flow.shape[:3]):
        raise ValueError(
            f"kernels and flow must agree in batch, height and width, got {kernels.shape} and {flow.shape}"
        )
    if native.choose("local_attention", impl, native.beyond("n", n, _LARGEST_NATIVE)) == "native":
        dtype = checks.flow_dtype(source)
        return native.library().gfla_local_attention(source, tf.cast(flow, dtype), tf.cast(kernels, dtype))
    return _local_attention_tf(source, flow, kernels, n)


@tf.RegisterGradient("GflaLocalAttention")
def _native_gradient(op, upstream):
    return native.library().gfla_local_attention_gradient(*op.inputs, upstream)


def _local_attention_tf(source, flow, kernels, n):
    x, y = sampling_positions(checks.at_least_float32(flow))
    x0, a = split_position(x)
    y0, b = split_position(y)
    blended = _blend_kernels(tf.cast(kernels, a.dtype), a, b, n)  # [B, H, W, (n+1)^2]
    radius = n // 2
    return _gather_sum(source, tf.cast(blended, source.dtype), y0 - radius, x0 - radius, n + 1)


def _kernel_size(kernels):
    if kernels.shape.rank != 4 or kernels.shape[-1] is None:
        raise ValueError(f"kernels must be [B, H, W, n*n] with a static n, got shape {kernels.shape}")
    if not kernels.dtype.is_floating:
        raise ValueError(f"kernels must be floating point, got {kernels.dtype.name}")
    n = math.isqrt(kernels.shape[-1])
    if n * n != kernels.shape[-1] or n % 2 == 0:
        raise ValueError(f"kernels must have n*n taps with n odd, got {kernels.shape[-1]}")
    return n


def _blend_kernels(kernels, a, b, n):
    """Computes K [B, H, W, (n+1)*(n+1)] from k [B, H, W, n*n] and the fractions [B, H, W]."""
    shape = tf.shape(kernels)
    a, b = a[..., None, None], b[..., None, None]  # [B, H, W, 1, 1]
    k = tf.reshape(kernels, [shape[0], shape[1], shape[2], n, n])
    k = (1 - a) * _pad_last(k, 0, 1, 4) + a * _pad_last(k, 1, 0, 4)  # [B, H, W, n, n+1]
    k = (1 - b) * _pad_last(k, 0, 1, 3) + b * _pad_last(k, 1, 0, 3)  # [B, H, W, n+1, n+1]
    return tf.reshape(k, [shape[0], shape[1], shape[2], (n + 1) * (n + 1)])


def _pad_last(k, before, after, axis):
    return tf.pad(k, [[before, after] if i == axis else [0, 0] for i in range(5)])


def _gather_sum(source, weights, y, x, size):
    """Computes sum_pq weights[..., p * size + q] * source[clamp(y + p), clamp(x + q)], one tap at a time.

    source [B, H, W, C]; weights [B, h, w, size*size]; y, x int32 [B, h, w] -> [B, h, w, C].
    """
    shape = tf.shape(source)
    batch, height, width, channels = shape[0], shape[1], shape[2], source.shape[-1]
    # Positions further than `size` outside the map are clamped first, which does not change the result.
    y = tf.clip_by_value(y, -size, height)
    x = tf.clip_by_value(x, -size, width)
    first_row = tf.range(batch)[:, None, None] * height  # [B, 1, 1]
    locations = tf.size(y)
    taps = size * size

    def rows_of(tap):
        row = tf.clip_by_value(y + tap // size, 0, height - 1)
        column = tf.clip_by_value(x + tap % size, 0, width - 1)
        return tf.reshape((first_row + row) * width + column, [-1])  # [B*h*w]

    def each_tap(body, *state):
        if not native.loops_allowed():
            for tap in range(taps):
                state = body(tap, *state)
            return state
        return tf.while_loop(
            lambda tap, *_: tap < taps,
            lambda tap, *values: (tap + 1, *body(tap, *values)),
            (tf.constant(0), *state),
            parallel_iterations=1,
            maximum_iterations=taps,
        )[1:]

    @tf.custom_gradient
    def gather_sum(source, weights):
        flat = tf.reshape(source, [batch * height * width, channels])
        by_tap = tf.reshape(tf.transpose(tf.reshape(weights, [locations, taps])), [taps, locations, 1])

        def add_tap(tap, total):
            total = total + by_tap[tap] * tf.gather(flat, rows_of(tap))
            return (total,)

        (total,) = each_tap(add_tap, tf.zeros([locations, channels], source.dtype))

        def gradient(upstream):
            g = tf.reshape(upstream, [locations, channels])
            # `tensor_scatter_nd_update` refuses empty tensors: without locations, one column of zeros.
            spare = tf.cast(locations < 1, tf.int32)

            def add_gradients(tap, source_gradient, weight_gradients):
                rows = rows_of(tap)
                of_tap = tf.reduce_sum(g * tf.gather(flat, rows), axis=-1)  # [B*h*w]
                weight_gradients = tf.tensor_scatter_nd_update(
                    weight_gradients, [[tap]], tf.pad(of_tap[None], [[0, 0], [0, spare]])
                )
                source_gradient += tf.math.unsorted_segment_sum(by_tap[tap] * g, rows, batch * height * width)
                return source_gradient, weight_gradients

            source_gradient, weight_gradients = each_tap(
                add_gradients, tf.zeros_like(flat), tf.zeros([taps, locations + spare], source.dtype)
            )
            weight_gradients = tf.transpose(weight_gradients[:, :locations])
            return tf.reshape(source_gradient, shape), tf.reshape(weight_gradients, tf.shape(weights))

        return tf.reshape(total, tf.concat([tf.shape(y), [channels]], axis=0)), gradient

    out = gather_sum(source, weights)
    out.set_shape(y.shape.concatenate([channels]))
    return out
