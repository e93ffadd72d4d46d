"""The affine regularization loss (paper, Eq. 4-6): within a window, the flow should be an affine map.

For each full n x n window, an affine map is fitted by least squares from the coordinates A of the window to
the sampling positions g = l + w(l), separately for x and y. The loss is the squared residual r'r:

    A = [x, y, 1] of the n^2 taps,   r = (A (A'A)^-1 A' - I) g

The fit has the direction of the released program; the equations of the paper fit the coordinates of the
target as a function of those of the source. The coordinates l are themselves affine and have no residual, so
g is replaced by the flow w, which is exact and better conditioned.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from gfla_tf.losses import _reduce
from gfla_tf.ops.checks import TensorLike, positive_int


def affine_regularization(flow: TensorLike, kernel_size: int) -> tf.Tensor:
    """Computes the mean squared residual of local affine fits of the flow of one layer.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import losses

    flow = tf.random.normal([2, 32, 32, 2])
    loss = losses.affine_regularization(flow, kernel_size=5)
    ```

    Args:
      flow: w, float [B, H, W, 2], (dx, dy) in pixels; H and W are at least `kernel_size`.
      kernel_size: n, the size of the windows: the kernel size of local attention in the flow's layer.

    Returns:
      A scalar in squared pixels: the sum over the n^2 taps and over x and y, averaged over windows and batch.
      It is 0 for an empty batch.

    Raises:
      ValueError: wrong rank, dtype, number of channels or size, or a kernel size below 1.
    """
    kernel_size = positive_int(kernel_size, "kernel_size")
    flow = _reduce.feature_map(flow, "flow")
    if flow.shape[-1] != 2:
        raise ValueError(f"flow must have 2 channels (dx, dy), got shape {flow.shape}")
    if any(size is not None and size < kernel_size for size in flow.shape[1:3]):
        raise ValueError(f"flow must be at least {kernel_size} x {kernel_size}, got shape {flow.shape}")
    residual_of_taps = tf.constant(_projection_residual(kernel_size), flow.dtype)  # [n, n, 1, n*n]
    shape = tf.shape(flow)
    components = tf.reshape(tf.transpose(flow, [0, 3, 1, 2]), [shape[0] * 2, shape[1], shape[2], 1])
    residual = tf.nn.conv2d(components, residual_of_taps, strides=1, padding="VALID")  # [2B, h, w, n*n]
    return 2 * kernel_size**2 * _reduce.mean(tf.square(residual))


@functools.cache
def _projection_residual(kernel_size):
    """I - A (A'A)^-1 A' as a convolution kernel [n, n, 1, n*n], float64 (zero if n is 1)."""
    y, x = np.mgrid[:kernel_size, :kernel_size] - (kernel_size - 1) / 2
    a = np.stack([x.ravel(), y.ravel(), np.ones(kernel_size**2)], axis=-1)  # [n*n, 3]
    residual = np.eye(kernel_size**2) - a @ np.linalg.pinv(a)
    return residual.reshape(kernel_size, kernel_size, 1, kernel_size**2)
