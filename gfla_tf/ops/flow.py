"""The flow convention, the bilinear and Gaussian warps, and the resizing of flows.

A flow field w is [B, H, W, 2] with channels (dx, dy), in pixels of its map, relative to each location: the
target location l = (x, y) samples the source at l + w(l) = (x + dx, y + dy).

Flow and source have the same H and W. Indices outside the source are clamped (edge replication); the
interpolation weights are those of the position before clamping. Positions are clipped to [-2^24, 2^24], and
a NaN flow counts as 0, so all indices are valid for any flow.
"""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.ops import checks
from gfla_tf.ops.checks import TensorLike

_LARGEST_NATIVE = 32  # kLargestWindow of custom_ops/kernels/shape.h
_SMALLEST_SIGMA = 1e-6  # its square is a normal float32
_FAR = 2.0**24  # float32 represents all integers up to this one, so floor and fraction are exact


def sampling_positions(flow: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the sampling positions l + w(l).

    Args:
      flow: w, float [B, H, W, 2].

    Returns:
      (x, y), each [B, H, W] of the flow's dtype, finite.
    """
    height, width = tf.shape(flow)[1], tf.shape(flow)[2]
    grid_x = tf.cast(tf.range(width), flow.dtype)[None, None, :]  # [1, 1, W]
    grid_y = tf.cast(tf.range(height), flow.dtype)[None, :, None]  # [1, H, 1]
    flow = tf.where(tf.math.is_nan(flow), tf.zeros_like(flow), flow)
    far = tf.cast(min(_FAR, flow.dtype.max), flow.dtype)
    x = tf.clip_by_value(grid_x + flow[..., 0], -far, far)
    y = tf.clip_by_value(grid_y + flow[..., 1], -far, far)
    return x, y


def split_position(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits positions into floor and fraction. The gradient of the fraction is 1; the floor has none.

    Args:
      position: float, any shape.

    Returns:
      (floor, int32, fraction in [0, 1)), of the same shape.
    """
    base = tf.stop_gradient(tf.floor(position))
    return tf.cast(base, tf.int32), position - base


def gather_clamped(image: tf.Tensor, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Gathers image[b, clamp(y), clamp(x)].

    Args:
      image: [B, H, W, C].
      y, x: int32 [B, h, w], or broadcastable to that shape.

    Returns:
      [B, h, w, C].
    """
    shape = tf.shape(image)
    batch, height, width = shape[0], shape[1], shape[2]
    y = tf.clip_by_value(y, 0, height - 1)
    x = tf.clip_by_value(x, 0, width - 1)
    rows = (tf.range(batch)[:, None, None] * height + y) * width + x  # [B, h, w]
    flat = tf.reshape(image, [batch * height * width, image.shape[-1]])  # [B*H*W, C]
    return tf.gather(flat, rows)


def bilinear_warp(image: TensorLike, flow: TensorLike, impl: str = "auto") -> tf.Tensor:
    """Samples an image along a flow with bilinear interpolation.

      (x0, y0) = floor(l + w(l)),   (a, b) = l + w(l) - (x0, y0)
      out(l) = (1-b)(1-a) image[y0, x0] + (1-b) a image[y0, x0+1]
               + b (1-a) image[y0+1, x0] + b a image[y0+1, x0+1]

    Indices are clamped; see `gfla_tf.ops.flow` for the convention.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import ops

    image = tf.random.uniform([1, 8, 8, 3])
    flow = tf.tile(tf.constant([[[[1.0, 0.0]]]]), [1, 8, 8, 1])  # one pixel to the right
    out = ops.bilinear_warp(image, flow)
    tf.debugging.assert_near(out[:, :, :-1], image[:, :, 1:])
    ```

    Args:
      image: float [B, H, W, C].
      flow: w, float [B, H, W, 2], (dx, dy) in pixels.
      impl: "native" for the compiled operator, "tf" for TensorFlow's operators, "auto" for the compiled
        operator if it is available.

    Returns:
      [B, H, W, C] of the image's dtype. Differentiable in both arguments; the compiled operator has no second
      derivatives.

    Raises:
      ValueError: wrong rank or number of channels, different sizes, or an unknown `impl`.
      NativeUnavailableError: impl="native", but the compiled operators are not available.
    """
    image, flow = checks.image_and_flow(image, flow, "image")
    return read_padded(image, flow, 0, impl)


def read_padded(image: tf.Tensor, flow: tf.Tensor, margin: int, impl: str = "auto") -> tf.Tensor:
    """Applies `bilinear_warp` to an image padded by `margin` pixels on every side.

    Args:
      image: float [B, H + 2 * margin, W + 2 * margin, C].
      flow: float [B, H, W, 2].
      margin: number of pixels.
      impl: as for `bilinear_warp`.

    Returns:
      [B, H, W, C] of the image's dtype.

    Raises:
      ValueError: the image has another size.
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


def sample_bilinear(image: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Samples an image bilinearly at given positions, with clamped indices.

    Args:
      image: float [B, H, W, C].
      x, y: float [B, h, w], in pixels of the image, finite.

    Returns:
      [B, h, w, C] of the image's dtype.
    """
    x0, a = split_position(x)
    y0, b = split_position(y)
    a = tf.cast(a, image.dtype)[..., None]  # [B, h, w, 1]
    b = tf.cast(b, image.dtype)[..., None]
    top = (1 - a) * gather_clamped(image, y0, x0) + a * gather_clamped(image, y0, x0 + 1)
    bottom = (1 - a) * gather_clamped(image, y0 + 1, x0) + a * gather_clamped(image, y0 + 1, x0 + 1)
    return (1 - b) * top + b * bottom


def gaussian_warp(
    image: TensorLike,
    flow: TensorLike,
    kernel_size: int = 4,
    sigma: float = 2.0,
    impl: str = "auto",
) -> tf.Tensor:
    """Samples an image along a flow with a Gaussian window, for the sampling correctness loss (Sec. 3.1).

      (x0, y0) = floor(l + w(l)),   (a, b) = l + w(l) - (x0, y0)
      out(l) = sum_ij v(b, i) v(a, j) image[y0 + i, x0 + j]
      v(a, j) = exp(-(a - j)^2 / (2 sigma^2)) / sum_k exp(-(a - k)^2 / (2 sigma^2))

    The taps i, j, k run from -((kernel_size - 1) // 2), for 4 taps from -1 to 2. Indices are clamped; see
    `gfla_tf.ops.flow` for the convention. The gradient of the flow depends on more pixels than that of the
    bilinear warp.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import ops

    image, flow = tf.random.uniform([1, 8, 8, 3]), tf.zeros([1, 8, 8, 2])
    out = ops.gaussian_warp(image, flow, kernel_size=4, sigma=2.0)
    print(out.shape)  # (1, 8, 8, 3)
    ```

    Args:
      image: float [B, H, W, C].
      flow: w, float [B, H, W, 2], (dx, dy) in pixels.
      kernel_size: number of taps along an axis, a positive int.
      sigma: standard deviation in pixels, positive; the compiled operator stores it as float32.
      impl: "native" for the compiled operator, "tf" for TensorFlow's operators, "auto" for the compiled
        operator if it is available.

    Returns:
      [B, H, W, C] of the image's dtype. Differentiable in image and flow; the compiled operator has no second
      derivatives.

    Raises:
      ValueError: wrong rank or number of channels, different sizes, a parameter out of range, or an unknown
        `impl`.
      NativeUnavailableError: impl="native", but the compiled operators are not available.
    """
    image, flow = checks.image_and_flow(image, flow, "image")
    kernel_size = checks.positive_int(kernel_size, "kernel_size")
    number = isinstance(sigma, int | float) and not isinstance(sigma, bool)
    if not (number and _SMALLEST_SIGMA <= sigma < float("inf")):
        raise ValueError(f"sigma must be positive, at least {_SMALLEST_SIGMA:g}, and finite, got {sigma!r}")
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
    first = -((kernel_size - 1) // 2)  # 4 taps: -1, 0, 1, 2 from the floor
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


def resize_flow(flow: TensorLike, size: tuple[int, int] | tf.Tensor) -> tf.Tensor:
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
    """The normalized weights of the taps along one axis: [...] -> [..., len(taps)]."""
    distance = tf.stack([fraction - tap for tap in taps], axis=-1)
    return tf.cast(tf.nn.softmax(-(distance**2) / (2.0 * sigma**2), axis=-1), dtype)
