"""The regularisation loss (paper, Eq. 4-6): nearby flows should move together, as one affine map.

For each full n x n window, the squared residual r'r of the least-squares affine fit of the window's sampled
positions g = grid + flow (x and y apart) on the window's own coordinates:

    A = [x, y, 1] of the n^2 taps,   r = (A (A'A)^-1 A' - I) g

The released program fits in this direction; the paper's equations fit the target's coordinates from the
source's. The grid is itself affine in the window's coordinates, so it leaves no residual and g can be the
flow alone: better conditioned, and exact.
"""

import functools

import numpy as np
import tensorflow as tf

from gfla_tf.losses import _reduce
from gfla_tf.ops.checks import positive_int


def affine_regularization(flow, kernel_size):
    """Mean squared residual of the local affine fit of the flow of one layer.

    Args:
      flow: float [B, H, W, 2], (dx, dy) in pixels; H and W at least `kernel_size`.
      kernel_size: n, the side of the windows: the attention patch size of the flow's layer.

    Returns:
      A scalar: the residual summed over the n^2 taps and over x and y, averaged over windows and batch
      (0 for an empty batch), in squared pixels.

    Raises:
      ValueError: wrong rank, dtype, channels or size, or a kernel size below 1.
    """
    positive_int(kernel_size, "kernel_size")
    flow = _reduce.feature_map(flow, "flow")
    if flow.shape[-1] != 2:
        raise ValueError(f"flow must have 2 channels (dx, dy), got shape {flow.shape}")
    if any(size is not None and size < kernel_size for size in flow.shape[1:3]):
        raise ValueError(f"flow must cover a {kernel_size} x {kernel_size} window, got shape {flow.shape}")
    residual_of_taps = tf.constant(_projection_residual(kernel_size), flow.dtype)  # [n, n, 1, n*n]
    shape = tf.shape(flow)
    components = tf.reshape(tf.transpose(flow, [0, 3, 1, 2]), [shape[0] * 2, shape[1], shape[2], 1])
    residual = tf.nn.conv2d(components, residual_of_taps, strides=1, padding="VALID")  # [2B, h, w, n*n]
    return 2 * kernel_size**2 * _reduce.mean(tf.square(residual))


@functools.cache
def _projection_residual(kernel_size):
    """I - A (A'A)^-1 A' as a convolution kernel [n, n, 1, n*n], float64 (the zero matrix where n is 1)."""
    y, x = np.mgrid[:kernel_size, :kernel_size] - (kernel_size - 1) / 2
    a = np.stack([x.ravel(), y.ravel(), np.ones(kernel_size**2)], axis=-1)  # [n*n, 3]
    residual = np.eye(kernel_size**2) - a @ np.linalg.pinv(a)
    return residual.reshape(kernel_size, kernel_size, 1, kernel_size**2)
