"""The local attention layer: kernel prediction net M, softmax, and weighted sum (paper, Eq. 8 and 9)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, arguments, ops
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

    with features padded by edge replication. The weighted sum is `gfla_tf.ops.local_attention`. The last
    convolution of M and the softmax are computed in at least float32.

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
      ValueError: an even or non-positive `kernel_size`, another invalid argument, or inputs of wrong rank,
        channels or size.
    """

    def __init__(
        self, kernel_size: int, hidden: int = 128, average: bool = True, impl: str = "auto", **kwargs: Any
    ):
        super().__init__(autocast=False, **kwargs)  # the flow stays float32
        self.kernel_size = checks.positive_int(kernel_size, "kernel_size")
        self.hidden = checks.positive_int(hidden, "hidden")
        check_implementation(impl)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        self.average = arguments.boolean("average", average)
        self.impl = impl
        self.channels = None

    def build(self, input_shape: Any) -> None:
        """Creates the weights for a source, and a target, of shape [B, H, W, C]."""
        self._check_shape(input_shape, "source")
        n, channels = self.kernel_size, int(input_shape[-1])
        self.channels = channels

        def kernel(name, shape):
            return self.add_weight(
                name=name, shape=shape, initializer=weight_initializer(), **_compat.NO_AUTOCAST
            )

        def bias(name, size):
            return self.add_weight(name=name, shape=(size,), initializer="zeros", **_compat.NO_AUTOCAST)

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
        self._check_shape(source.shape, "source")
        f_s = checks.clipped_cast(source, self.compute_dtype)
        r = self.kernel_size // 2
        w_s = tf.cast(self.hidden_kernel, f_s.dtype)[:, :, self.channels :]  # [n, n, C, hidden]
        return _finite(_convolution(pad_edge(f_s, 2 * r, 2 * r), w_s))

    def compute_output_shape(
        self, source_shape: Any, target_shape: Any = None, flow_shape: Any = None
    ) -> Any:
        """Returns the shape of the output without the kernels; without the others' shapes, from the source's.

        Raises:
          ValueError: as for the call.
        """
        batch, height, width, channels = self._check_shape(source_shape, "source")
        if target_shape is not None:
            self._check_shape(target_shape, "target", channels)
        if flow_shape is not None and not tf.TensorShape(flow_shape).is_compatible_with(
            [None, None, None, 2]
        ):
            raise ValueError(f"flow must be [B, H, W, 2], (dx, dy), got shape {flow_shape}")
        for other, name in ((target_shape, "target"), (flow_shape, "flow")):
            if other is not None and not tf.TensorShape(other)[:3].is_compatible_with([batch, height, width]):
                raise ValueError(
                    f"source and {name} must agree in batch, height and width, got {source_shape} and {other}"
                )
        return _compat.static_shape([batch, height, width, channels])

    def compute_output_spec(
        self,
        source: Any,
        target: Any,
        flow: Any,
        return_attention: bool = False,
        projected_source: Any = None,
    ) -> Any:
        shape = self.compute_output_shape(source.shape, target.shape, flow.shape)
        out = _compat.symbolic_tensor(shape, self.compute_dtype)
        if not return_attention:
            return out
        return out, _compat.symbolic_tensor([*shape[:3], self.kernel_size**2], self._kernel_dtype)

    @property
    def _kernel_dtype(self):
        return tf.float64 if self.compute_dtype == "float64" else tf.float32

    def _check_shape(self, shape, name, channels=None):
        shape = tf.TensorShape(shape)
        channels = self.channels or channels
        if shape.rank != 4 or not shape[-1]:
            raise ValueError(f"{name} must be [B, H, W, C] with a static, positive C, got shape {shape}")
        if channels is not None and shape[-1] != channels:
            raise ValueError(
                f"{name} must have {channels} channels, as the layer's source, got shape {shape}"
            )
        if 0 in shape[1:3]:
            raise ValueError(f"{name} must have a positive height and width, got shape {shape}")
        return shape.as_list()

    def call(
        self,
        source: tf.Tensor,
        target: tf.Tensor,
        flow: tf.Tensor,
        return_attention: bool = False,
        projected_source: tf.Tensor | None = None,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        source, target = self._features(source, "source"), self._features(target, "target")
        self.compute_output_shape(source.shape, target.shape)
        source, flow = checks.image_and_flow(source, flow, "source")
        if projected_source is None:
            projected_source = self.project_source(source)
        kernels = self._predict_kernels(projected_source, target, flow)
        out = ops.local_attention(source, flow, kernels, impl=self.impl)  # [B, H, W, C]
        if self.average:
            out = out / self.kernel_size**2  # P of Eq. 9
        return (out, kernels) if return_attention else out

    def _features(self, features, name):
        features = checks.floating_point(features, name, self.compute_dtype)
        return checks.clipped_cast(features, self.compute_dtype)

    def _predict_kernels(self, projected_source, target, flow):
        """k of Eq. 8, from conv(f_s, W_s)."""
        r = self.kernel_size // 2
        w_t = tf.cast(self.hidden_kernel, target.dtype)[:, :, : self.channels]  # [n, n, C, hidden]
        hidden = _convolution(pad_edge(target, r, r), w_t)  # [B, H, W, hidden]
        hidden += read_padded(projected_source, flow, r, self.impl)  # bilinear(conv(f_s, W_s), l + w)
        hidden = _finite(tf.nn.bias_add(hidden, tf.cast(self.hidden_bias, hidden.dtype)))
        hidden = lrelu(tf.cast(hidden, self._kernel_dtype))
        logits = _convolution(hidden, tf.cast(self.tap_kernel, hidden.dtype))
        logits = tf.nn.bias_add(logits, tf.cast(self.tap_bias, logits.dtype))
        return tf.nn.softmax(logits, axis=-1)  # [B, H, W, n*n]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "hidden": self.hidden,
            "average": self.average,
            "impl": self.impl,
        }


def _convolution(x, kernel):
    """A convolution without padding: [B, H, W, C] -> [B, H-n+1, W-n+1, hidden]."""
    out = tf.nn.conv2d(x, kernel, strides=1, padding="VALID")
    if x.shape[0]:
        return out
    n, shape = kernel.shape[0], tf.shape(x)  # oneDNN gives the result of an empty batch the shape of x
    return tf.reshape(out, [shape[0], shape[1] - n + 1, shape[2] - n + 1, kernel.shape[-1]])


def _finite(tensor):
    """Clips half types to their finite range: an infinite sum would become NaN in the next one."""
    return checks.clip_to_range(tensor, tensor.dtype) if tensor.dtype.size < 4 else tensor
