"""The local attention block: kernel prediction net M, softmax, and the fused gather (paper, Eq. 8, 9)."""

import keras
import tensorflow as tf

from gfla_tf import ops
from gfla_tf.layers.blocks import lrelu
from gfla_tf.layers.initializers import weight_initializer
from gfla_tf.native.loader import check_implementation
from gfla_tf.ops import checks
from gfla_tf.ops.flow import read_padded
from gfla_tf.ops.flowed_patches import pad_edge


@keras.saving.register_keras_serializable(package="gfla_tf")
class LocalAttention(keras.layers.Layer):
    """Samples source features where the flow points, with an n x n kernel predicted at each location.

    k_l = softmax(M(N_n(f_t, l), N_n(f_s, l + w)))                        Eq. 8
    out(l) = mean over the n*n taps of k_l * N_n(f_s, l + w)              Eq. 9

    P is an average, so a factor 1/n^2 stays in.

    M is an n x n valid convolution 2C -> hidden of the patches concatenated as (target, source), a leaky
    ReLU of slope 0.1 and a 1 x 1 convolution to n*n. All taps of a patch share one fractional offset, and
    bilinear sampling commutes with a linear map, so M's first layer is computed without patches, exactly, in
    every boundary case:

      W * (N(f_t, l), N(f_s, l + w)) + b = conv(f_t, W_t)(l) + bilinear(conv(f_s, W_s), l + w) + b

    with the features padded by edge replication; the weighted sum is `gfla_tf.ops.local_attention`.

    Args:
      kernel_size: n, a positive odd int.
      hidden: width of M.
      average: True keeps the paper's 1/n^2; False returns the plain weighted sum.
      impl: of the operator, "auto", "native" or "tf".

    Call: source [B, H, W, C], target [B, H, W, C], flow [B, H, W, 2] -> [B, H, W, C]; with
    return_attention=True also the kernels k [B, H, W, n*n], taps row-major.

    Raises:
      ValueError: an even or non-positive kernel_size; inputs of wrong rank, channels or size.
    """

    def __init__(self, kernel_size, hidden=128, average=True, impl="auto", **kwargs):
        super().__init__(autocast=False, **kwargs)  # the flow keeps its precision
        checks.positive_int(kernel_size, "kernel_size")
        checks.positive_int(hidden, "hidden")
        check_implementation(impl)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        self.kernel_size = kernel_size
        self.hidden = hidden
        self.average = average
        self.impl = impl

    def build(self, input_shape):
        """input_shape: that of the source (and of the target), [B, H, W, C]."""
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

    def project_source(self, source):
        """conv(f_s, W_s) on the padded domain: [B, H, W, C] -> [B, H+2r, W+2r, hidden], r = n // 2.

        It does not depend on the target: one source rendered in many poses needs it once.
        """
        source = tf.cast(source, self.compute_dtype)
        radius, channels = self.kernel_size // 2, source.shape[-1]
        kernel = tf.cast(self.hidden_kernel, source.dtype)[:, :, channels:]
        return tf.nn.conv2d(pad_edge(source, 2 * radius, 2 * radius), kernel, strides=1, padding="VALID")

    def call(self, source, target, flow, return_attention=False, projected_source=None):
        source, flow = checks.image_and_flow(tf.cast(source, self.compute_dtype), flow, "source")
        target, _ = checks.image_and_flow(tf.cast(target, self.compute_dtype), flow, "target")
        if projected_source is None:
            projected_source = self.project_source(source)
        kernels = self._predict_kernels(projected_source, target, flow)
        out = ops.local_attention(source, flow, kernels, impl=self.impl)
        if self.average:
            out = out / self.kernel_size**2
        return (out, kernels) if return_attention else out

    def _predict_kernels(self, projected_source, target, flow):
        radius, channels = self.kernel_size // 2, target.shape[-1]
        kernel = tf.cast(self.hidden_kernel, target.dtype)[:, :, :channels]
        hidden = tf.nn.conv2d(pad_edge(target, radius, radius), kernel, strides=1, padding="VALID")
        hidden += read_padded(projected_source, flow, radius, self.impl)
        hidden = lrelu(tf.nn.bias_add(hidden, tf.cast(self.hidden_bias, hidden.dtype)))
        logits = tf.nn.conv2d(hidden, tf.cast(self.tap_kernel, hidden.dtype), strides=1, padding="VALID")
        logits = tf.nn.bias_add(logits, tf.cast(self.tap_bias, logits.dtype))
        return tf.nn.softmax(checks.at_least_float32(logits), axis=-1)  # [B, H, W, n*n]

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "hidden": self.hidden,
            "average": self.average,
            "impl": self.impl,
        }
