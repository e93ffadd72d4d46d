"""The content and style losses between generated and real target images (paper, Eq. 13 and 14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from gfla_tf.losses import _reduce
from gfla_tf.ops.checks import TensorLike

CONTENT_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")


def content_and_style(
    generated_features: Mapping[str, TensorLike],
    target_features: Mapping[str, TensorLike],
    *,
    content_layers: Sequence[str] = CONTENT_LAYERS,
    style_layers: Sequence[str] = STYLE_LAYERS,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the two perceptual losses, unweighted. Only the generated features have a gradient.

        content = sum over layers of mean |F_generated - F_target|                                   Eq. 13
        style   = sum over layers of mean |G_generated - G_target|,   G = F F' / (h * w * c)         Eq. 14

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import losses
    from gfla_tf.features import VGG19Features

    vgg19 = VGG19Features("random", width_multiplier=1 / 16)  # or the path of torchvision's weights
    generated, target = tf.random.uniform([2, 1, 32, 32, 3], -1, 1)
    content, style = losses.content_and_style(vgg19(generated), vgg19(target))
    ```

    Args:
      generated_features, target_features: {layer name: float [B, h, w, c]}, the outputs of a feature network.
        Layers in neither list are ignored.
      content_layers, style_layers: names of the compared layers, by default those of VGG19.

    Returns:
      (content, style), two scalars; 0 for an empty batch.

    Raises:
      ValueError: a layer is missing, or its two feature maps have different shapes.
    """
    for label, features in (("generated", generated_features), ("target", target_features)):
        missing = [name for name in dict.fromkeys((*content_layers, *style_layers)) if name not in features]
        if missing:
            raise ValueError(f"{label}_features lack {', '.join(missing)}; they have {', '.join(features)}")

    def pair(name):
        generated = _reduce.feature_map(generated_features[name], f"generated_features[{name!r}]")
        target = _reduce.feature_map(target_features[name], f"target_features[{name!r}]")
        if not generated.shape.is_compatible_with(target.shape):
            raise ValueError(f"{name} must agree in shape, got {generated.shape} and {target.shape}")
        return generated, tf.stop_gradient(tf.cast(target, generated.dtype))

    content = tf.add_n([_mean_difference(*pair(name)) for name in content_layers])
    style = tf.add_n([_mean_difference(*map(gram_matrix, pair(name))) for name in style_layers])
    return content, style


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Computes G = F F' / (h * w * c) of float [B, h, w, c] -> [B, c, c]."""
    shape = tf.shape(features)
    flat = tf.reshape(features, [shape[0], shape[1] * shape[2], shape[3]])  # [B, h*w, c]
    size = tf.cast(shape[1] * shape[2] * shape[3], features.dtype)
    return tf.math.divide_no_nan(_products(flat), size)


@tf.custom_gradient
def _products(flat):
    """F F' of [B, h*w, c] -> [B, c, c]; its gradient is one product, F (U + U')."""
    return tf.matmul(flat, flat, transpose_a=True), lambda upstream: tf.matmul(
        flat, upstream + tf.linalg.matrix_transpose(upstream)
    )


@tf.custom_gradient
def _mean_difference(generated, target):
    """mean |generated - target|; the gradient of its mean is not copied to the size of the features."""
    difference = generated - target

    def gradient(upstream):
        size = tf.cast(tf.size(difference), upstream.dtype)
        return tf.sign(difference) * tf.math.divide_no_nan(upstream, size), None

    return _reduce.mean(tf.abs(difference)), gradient
