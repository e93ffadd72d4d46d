"""Instance normalization and a leaky ReLU in one operator, with a gradient in closed form.

    h = gamma (x - mean) rstd + beta,   rstd = 1 / sqrt(variance + epsilon)
    out = h where h > 0, otherwise slope h

mean(.) is the mean over height and width, for each instance and channel; the variance is biased. With g, the
gradient of h, the gradient of x is

    dx = gamma rstd (g - mean(g) - (x - mean) rstd^2 mean(g (x - mean)))
"""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.ops.checks import TensorLike


def instance_norm(
    x: TensorLike,
    gamma: TensorLike,
    beta: TensorLike,
    epsilon: float = 1e-5,
    slope: float = 1.0,
    impl: str = "auto",
) -> tf.Tensor:
    """Normalizes each channel of each instance over height and width, and applies a leaky ReLU.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import ops

    x = tf.random.normal([2, 16, 16, 3], mean=5.0)
    y = ops.instance_norm(x, tf.ones([3]), tf.zeros([3]), slope=0.1)
    print(y.shape)  # (2, 16, 16, 3)
    ```

    Args:
      x: float32 or float64 [B, H, W, C], H and W at least 1.
      gamma, beta: [C], of the same dtype.
      epsilon: added to the variance, positive; the compiled operator stores it as float32.
      slope: slope of the leaky ReLU for negative values, in [0, 1]; 1 applies none.
      impl: "native" for the compiled operator, which runs on the CPU, "tf" for TensorFlow's operators, "auto"
        for the compiled operator if it is available and there is no GPU.

    Returns:
      [B, H, W, C]. Differentiable in x, gamma and beta; the compiled operator has no second derivatives.

    Raises:
      ValueError: wrong rank, dtype or number of channels, an `epsilon` or `slope` out of range, or an unknown
        `impl`.
      NativeUnavailableError: impl="native", but the compiled operators are not available.
    """
    x, gamma, beta = (tf.convert_to_tensor(tensor) for tensor in (x, gamma, beta))
    if x.dtype not in (tf.float32, tf.float64):
        raise ValueError(f"x must be float32 or float64, got {x.dtype.name}")
    if x.shape.rank != 4 or not x.shape[-1]:
        raise ValueError(f"x must be [B, H, W, C] with a static, positive C, got shape {x.shape}")
    for tensor, name in ((gamma, "gamma"), (beta, "beta")):
        if tensor.shape != x.shape[-1:] or tensor.dtype != x.dtype:
            raise ValueError(
                f"{name} must be {x.dtype.name} [{x.shape[-1]}], got {tensor.dtype.name} {tensor.shape}"
            )
    if not epsilon > 0:
        raise ValueError(f"epsilon must be positive, got {epsilon!r}")
    if not 0 <= slope <= 1:
        raise ValueError(f"slope must be in [0, 1], got {slope!r}")
    if native.choose("instance_norm", impl) == "native":
        return native.library().gfla_instance_norm(x, gamma, beta, epsilon=epsilon, slope=slope)[0]
    return _instance_norm_tf(x, gamma, beta, epsilon, slope)


@tf.RegisterGradient("GflaInstanceNorm")
def _native_gradient(op, upstream, *statistics):
    attributes = {name: op.get_attr(name) for name in ("epsilon", "slope")}
    inputs = (*op.inputs, *op.outputs[1:], upstream)
    return native.library().gfla_instance_norm_gradient(*inputs, **attributes)


def _instance_norm_tf(x, gamma, beta, epsilon, slope):
    @tf.custom_gradient
    def normalize(x, gamma, beta):
        mean = _mean(x)  # [B, 1, 1, C]
        centered = x - mean
        rstd = tf.math.rsqrt(_mean(tf.square(centered)) + epsilon)
        out = centered * (rstd * gamma) + beta
        if slope < 1:
            out = tf.nn.leaky_relu(out, slope)

        def gradient(upstream):
            # The leaky ReLU keeps the sign, so its gradient can be computed from its output.
            g = (
                upstream
                if slope == 1
                else tf.raw_ops.LeakyReluGrad(gradients=upstream, features=out, alpha=slope)
            )
            along, across = _mean(g), _mean(g * (x - mean))
            dx = (g - along - (x - mean) * (tf.square(rstd) * across)) * (rstd * gamma)
            size = tf.cast(tf.shape(x)[1] * tf.shape(x)[2], x.dtype)
            return dx, size * tf.reduce_sum(across * rstd, [0, 1, 2]), size * tf.reduce_sum(along, [0, 1, 2])

        return out, gradient

    return normalize(x, gamma, beta)


def _mean(x):
    """Averages over width, then height: two short sums lose fewer float32 digits than one long sum."""
    return tf.reduce_mean(tf.reduce_mean(x, axis=2, keepdims=True), axis=1, keepdims=True)
