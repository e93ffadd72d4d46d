"""The flow convention, and the two warps.

A flow field w is [B, H, W, 2] with channels (dx, dy), in pixels of the map it is used on, an offset to
the location itself: the target location (x, y) reads the source at (x + dx, y + dy). Every sampled index
is clamped into the map (edge replication); interpolation weights are those of the unclamped position.
Flow and image have the same H and W. A position that is not finite, or further than 2^24 pixels away, is
read as the nearest end of that range (NaN as 0), so no index ever leaves the map.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.ops import checks

_LARGEST_NATIVE = 32  # kLargestWindow of custom_ops/kernels/shape.h
_SMALLEST_SIGMA = 1e-6  # its square is still a float32
_FAR = 2.0**24  # the last integer that float32 counts to, so that floor and the fraction stay exact


def sampling_positions(flow):
    """Where each location reads: grid + flow.

    flow [B, H, W, 2] -> (x, y), each [B, H, W] of the flow's dtype, finite.
    """
    height, width = tf.shape(flow)[1], tf.shape(flow)[2]
    grid_x = tf.cast(tf.range(width), flow.dtype)[None, None, :]  # [1, 1, W]
    grid_y = tf.cast(tf.range(height), flow.dtype)[None, :, None]  # [1, H, 1]
    flow = tf.where(tf.math.is_nan(flow), tf.zeros_like(flow), flow)
    far = tf.cast(min(_FAR, flow.dtype.max), flow.dtype)
    x = tf.clip_by_value(grid_x + flow[..., 0], -far, far)
    y = tf.clip_by_value(grid_y + flow[..., 1], -far, far)
    return x, y


def split_position(position):
    """floor and fraction of a position; the floor has no gradient, the fraction's is 1.

    position [...] float -> (integer part [...] int32, fraction [...] in [0, 1)).
    """
    base = tf.stop_gradient(tf.floor(position))
    return tf.cast(base, tf.int32), position - base


def gather_clamped(image, y, x):
    """image[b, clamp(y), clamp(x)] by one flat gather.

    image [B, H, W, C]; y, x int32 [B, h, w] (broadcastable to each other) -> [B, h, w, C].
    """
    shape = tf.shape(image)
    batch, height, width = shape[0], shape[1], shape[2]
    y = tf.clip_by_value(y, 0, height - 1)
    x = tf.clip_by_value(x, 0, width - 1)
    rows = (tf.range(batch)[:, None, None] * height + y) * width + x  # [B, h, w]
    flat = tf.reshape(image, [batch * height * width, image.shape[-1]])  # [B*H*W, C]
    return tf.gather(flat, rows)


def bilinear_warp(image, flow, impl="auto"):
    """Samples an image where a flow points, bilinearly.

    out(x, y) = sum over the four neighbours (p, q) of (x + dx, y + dy) of their bilinear weight times
    image[clamp(q), clamp(p)].

    Args:
      image: float [B, H, W, C].
      flow: float [B, H, W, 2], (dx, dy) in pixels; converted to the image's dtype's precision or better.
      impl: "auto", "native" or "tf".

    Returns:
      [B, H, W, C] of the image's dtype, differentiable in both arguments, once by the compiled operator.

    Raises:
      ValueError: wrong rank, channels, sizes that differ, or unknown impl.
      NativeUnavailableError: impl="native" where the compiled operators are not there.
    """
    image, flow = checks.image_and_flow(image, flow, "image")
    return read_padded(image, flow, 0, impl)


def read_padded(image, flow, margin, impl="auto"):
    """`bilinear_warp` of an image that has `margin` more pixels on every side than the flow's grid.

    image [B, H+2*margin, W+2*margin, C]; flow [B, H, W, 2] -> [B, H, W, C] of the image's dtype.

    Raises:
      ValueError: another size of the image.
    """
    size = [None if n is None else n + 2 * margin for n in flow.shape[1:3]]
    if not image.shape[:3].is_compatible_with([flow.shape[0], *size]):
        raise ValueError(
            f"an image with a margin of {margin} must be [B, {size[0]}, {size[1]}, C], got {image.shape}"
        )
    if native.choose("bilinear_warp", impl) == "native":
        flow = tf.cast(flow, checks.flow_dtype(image))
        return native.library().gfla_bilinear_warp(image, flow, offset=margin)
    x, y = sampling_positions(checks.at_least_float32(flow))
    return sample_bilinear(image, x + margin, y + margin)


@tf.RegisterGradient("GflaBilinearWarp")
def _native_bilinear_gradient(op, upstream):
    return native.library().gfla_bilinear_warp_gradient(*op.inputs, upstream, offset=op.get_attr("offset"))


def sample_bilinear(image, x, y):
    """The clamped bilinear read behind `bilinear_warp`, at any positions.

    image [B, H, W, C]; x, y float [B, h, w] in pixels of the image, finite -> [B, h, w, C] of the image's
    dtype.
    """
    x0, a = split_position(x)
    y0, b = split_position(y)
    a = tf.cast(a, image.dtype)[..., None]  # [B, h, w, 1]
    b = tf.cast(b, image.dtype)[..., None]
    top = (1 - a) * gather_clamped(image, y0, x0) + a * gather_clamped(image, y0, x0 + 1)
    bottom = (1 - a) * gather_clamped(image, y0 + 1, x0) + a * gather_clamped(image, y0 + 1, x0 + 1)
    return (1 - b) * top + b * bottom


def gaussian_warp(image, flow, kernel_size=4, sigma=2.0, impl="auto"):
    """Samples an image where a flow points, with a small Gaussian window instead of the bilinear one.

    The window of the sampling correctness loss (paper, Sec. 3.1): `kernel_size` x `kernel_size` taps around
    (x + dx, y + dy), weights exp(-d^2 / (2 sigma^2)) of the fractional distance along each axis, normalised
    to sum 1, indices clamped. Its gradient with respect to the flow reaches further than the bilinear one's.

    Args:
      image: float [B, H, W, C].
      flow: float [B, H, W, 2], (dx, dy) in pixels.
      kernel_size: taps along an axis, a positive int.
      sigma: standard deviation in pixels, positive; the compiled operator holds it in float32.
      impl: "auto", "native" or "tf".

    Returns:
      [B, H, W, C] of the image's dtype, differentiable in image and flow, once by the compiled operator.

    Raises:
      ValueError: wrong rank, channels, sizes that differ, a parameter out of its range, or unknown impl.
      NativeUnavailableError: impl="native" where the compiled operators are not there.
    """
    image, flow = checks.image_and_flow(image, flow, "image")
    checks.positive_int(kernel_size, "kernel_size")
    if not _SMALLEST_SIGMA <= sigma < float("inf"):
        raise ValueError(f"sigma must be positive, at least {_SMALLEST_SIGMA:g}, and finite, got {sigma}")
    unsupported = native.beyond("kernel_size", kernel_size, _LARGEST_NATIVE)
    if native.choose("gaussian_warp", impl, unsupported) == "native":
        flow = tf.cast(flow, checks.flow_dtype(image))
        return native.library().gfla_gaussian_warp(image, flow, kernel_size=kernel_size, sigma=sigma)
    return _gaussian_warp_tf(image, flow, kernel_size, sigma)


@tf.RegisterGradient("GflaGaussianWarp")
def _native_gaussian_gradient(op, upstream):
    size, sigma = op.get_attr("kernel_size"), op.get_attr("sigma")
    return native.library().gfla_gaussian_warp_gradient(*op.inputs, upstream, kernel_size=size, sigma=sigma)


def _gaussian_warp_tf(image, flow, kernel_size, sigma):
    x, y = sampling_positions(checks.at_least_float32(flow))
    first = -((kernel_size - 1) // 2)  # 4 taps: -1, 0, 1, 2 around the floor
    taps = range(first, first + kernel_size)
    x0, a = split_position(x)
    y0, b = split_position(y)
    weights_x = _gaussian_taps(a, taps, sigma, image.dtype)  # [B, H, W, k]
    weights_y = _gaussian_taps(b, taps, sigma, image.dtype)
    out = tf.zeros_like(image)
    for j, tap_y in enumerate(taps):
        row = tf.zeros_like(image)
        for i, tap_x in enumerate(taps):
            row += weights_x[..., i, None] * gather_clamped(image, y0 + tap_y, x0 + tap_x)
        out += weights_y[..., j, None] * row
    return out


def resize_flow(flow: tf.Tensor | np.ndarray, size: tuple[int, int] | tf.Tensor) -> tf.Tensor:
    """Resizes flows bilinearly and scales their values, so that they are in pixels of the new size.

    dx is multiplied by W / w and dy by H / h.

    Args:
      flow: float [B, h, w, 2] or [h, w, 2], (dx, dy) in pixels.
      size: (H, W).

    Returns:
      [B, H, W, 2] or [H, W, 2], of the flow's dtype.

    Raises:
      ValueError: another shape or dtype.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.ops.flow import resize_flow

    flow = tf.ones([1, 8, 8, 2])
    print(resize_flow(flow, (32, 16))[0, 0, 0].numpy())  # [2. 4.]
    ```
    """
    flow = tf.convert_to_tensor(flow)
    if not flow.dtype.is_floating or flow.shape.rank not in (3, 4) or flow.shape[-1] != 2:
        raise ValueError(f"flow must be float [B, H, W, 2] or [H, W, 2], got {flow.dtype.name} {flow.shape}")
    scale = tf.cast(size, flow.dtype) / tf.cast(tf.shape(flow)[-3:-1], flow.dtype)  # (y, x)
    return tf.cast(tf.image.resize(flow, size), flow.dtype) * scale[::-1]


def _gaussian_taps(fraction, taps, sigma, dtype):
    """Normalised weights of the taps along one axis: [...] -> [..., len(taps)]."""
    distance = tf.stack([fraction - tap for tap in taps], axis=-1)
    return tf.cast(tf.nn.softmax(-(distance**2) / (2.0 * sigma**2), axis=-1), dtype)
