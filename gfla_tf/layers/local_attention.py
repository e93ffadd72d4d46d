"""The local attention layer: kernel prediction net M, softmax, and weighted sum (paper, Eq. 8 and 9)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import ops
from gfla_tf.layers.convolutions import lrelu
from gfla_tf.layers.initializers import weight_initializer
from gfla_tf.native.loader import check_implementation
from gfla_tf.ops import checks
from gfla_tf.ops.flow import read_padded
from gfla_tf.ops.flowed_patches import pad_edge


@keras.saving.register_keras_serializable(package="gfla_tf")
class LocalAttention(keras.layers.Layer):
    """Samples source features along a flow, with an n x n kernel predicted at each location.

      k_l = softmax(M(N_n(f_t, l), N_n(f_s, l + w)))                                                Eq. 8
      out(l) = P(k_l * N_n(f_s, l + w))                                                             Eq. 9

    N_n(f, l) is the n x n patch of f around l, and P averages over its n*n taps, so that the output contains
    a factor 1/n^2.

    The kernel prediction net M is an n x n valid convolution 2C -> hidden with kernel W = (W_t, W_s) and
    bias b on the concatenated patches, a leaky ReLU with slope 0.1, and a 1 x 1 convolution to n*n channels.
    All taps of a patch have the same fractional offset, and bilinear sampling commutes with linear maps.
    Therefore the first convolution of M is computed without patches, exactly, also at the borders:

      W * (N_n(f_t, l), N_n(f_s, l + w)) + b = conv(f_t, W_t)(l) + bilinear(conv(f_s, W_s), l + w) + b

    with features padded by edge replication. The weighted sum is `gfla_tf.ops.local_attention`.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.layers import LocalAttention

    source, target = tf.random.normal([2, 1, 16, 16, 32])
    flow = tf.zeros([1, 16, 16, 2])
    out, kernels = LocalAttention(kernel_size=3)(source, target, flow, return_attention=True)
    print(out.shape, kernels.shape)  # (1, 16, 16, 32) (1, 16, 16, 9)
    ```

    Args:
      kernel_size: n, a positive odd int.
      hidden: hidden channels of M.
      average: whether P is the average of the paper; if False, it is the sum.
      impl: implementation of the operator: "auto", "native" or "tf".

    Call arguments:
      source: f_s [B, H, W, C].
      target: f_t [B, H, W, C].
      flow: w [B, H, W, 2], (dx, dy) in pixels; see `gfla_tf.ops.flow`.
      return_attention: whether to return the kernels as well.
      projected_source: the result of `project_source(source)`, if it has been computed before.

    Returns:
      [B, H, W, C]. If `return_attention`, also the kernels k [B, H, W, n*n], taps row-major.

    Raises:
      ValueError: an even or non-positive `kernel_size`, or inputs of wrong rank, channels or size.
    """

    def __init__(
        self, kernel_size: int, hidden: int = 128, average: bool = True, impl: str = "auto", **kwargs: Any
    ):
        super().__init__(autocast=False, **kwargs)  # the flow stays float32
        checks.positive_int(kernel_size, "kernel_size")
        checks.positive_int(hidden, "hidden")
        check_implementation(impl)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        self.kernel_size = kernel_size
        self.hidden = hidden
        self.average = average
        self.impl = impl

    def build(self, input_shape: Any) -> None:
        """Creates the weights for a source, and a target, of shape [B, H, W, C]."""
        n, channels = self.kernel_size, input_shape[-1]

        def kernel(name, shape):
            return self.add_weight(name=name, shape=shape, initializer=weight_initializer())

        def bias(name, size):
            return self.add_weight(name=name, shape=(size,), initializer="zeros")

        self.hidden_kernel = kernel("hidden_kernel", (n, n, 2 * channels, self.hidden))  # W = (W_t, W_s)
        self.hidden_bias = bias("hidden_bias", self.hidden)
        self.tap_kernel = kernel("tap_kernel", (1, 1, self.hidden, n * n))
        self.tap_bias = bias("tap_bias", n * n)
        self.built = True

    def project_source(self, source: tf.Tensor) -> tf.Tensor:
        """Computes conv(f_s, W_s), which does not depend on the target, with a margin of r = n // 2 pixels.

        Args:
          source: f_s [B, H, W, C].

        Returns:
          [B, H+2r, W+2r, hidden].
        """
        f_s = tf.cast(source, self.compute_dtype)
        r, channels = self.kernel_size // 2, source.shape[-1]
        w_s = tf.cast(self.hidden_kernel, f_s.dtype)[:, :, channels:]  # [n, n, C, hidden]
        return tf.nn.conv2d(pad_edge(f_s, 2 * r, 2 * r), w_s, strides=1, padding="VALID")

    def call(
        self,
        source: tf.Tensor,
        target: tf.Tensor,
        flow: tf.Tensor,
        return_attention: bool = False,
        projected_source: tf.Tensor | None = None,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        source, flow = checks.image_and_flow(tf.cast(source, self.compute_dtype), flow, "source")
        target, _ = checks.image_and_flow(tf.cast(target, self.compute_dtype), flow, "target")
        if projected_source is None:
            projected_source = self.project_source(source)
        kernels = self._predict_kernels(projected_source, target, flow)
        out = ops.local_attention(source, flow, kernels, impl=self.impl)  # [B, H, W, C]
        if self.average:
            out = out / self.kernel_size**2  # P of Eq. 9
        return (out, kernels) if return_attention else out

    def _predict_kernels(self, projected_source, target, flow):
        """k of Eq. 8, from conv(f_s, W_s)."""
        r, channels = self.kernel_size // 2, target.shape[-1]
        w_t = tf.cast(self.hidden_kernel, target.dtype)[:, :, :channels]  # [n, n, C, hidden]
        hidden = tf.nn.conv2d(pad_edge(target, r, r), w_t, strides=1, padding="VALID")  # [B, H, W, hidden]
        hidden += read_padded(projected_source, flow, r, self.impl)  # bilinear(conv(f_s, W_s), l + w)
        hidden = lrelu(tf.nn.bias_add(hidden, tf.cast(self.hidden_bias, hidden.dtype)))
        logits = tf.nn.conv2d(hidden, tf.cast(self.tap_kernel, hidden.dtype), strides=1, padding="VALID")
        logits = tf.nn.bias_add(logits, tf.cast(self.tap_bias, logits.dtype))
        return tf.nn.softmax(checks.at_least_float32(logits), axis=-1)  # [B, H, W, n*n]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "hidden": self.hidden,
            "average": self.average,
            "impl": self.impl,
        }
