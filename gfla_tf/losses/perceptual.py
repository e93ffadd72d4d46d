"""Content and style: distances between features of the generated and the real target (paper, Eq. 13, 14)."""

import tensorflow as tf

from gfla_tf.losses import _reduce

CONTENT_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")


def content_and_style(
    generated_features,
    target_features,
    *,
    content_layers=CONTENT_LAYERS,
    style_layers=STYLE_LAYERS,
):
    """The two perceptual losses, unweighted. Gradients reach the generated features alone.

        content = sum over layers of mean |F_generated - F_target|
        style   = sum over layers of mean |G_generated - G_target|,  G = F F' / (h * w * c)

    Args:
      generated_features, target_features: {layer name: float [B, h, w, c]}, as the feature networks give;
        layers that neither list names are ignored.
      content_layers, style_layers: names of the layers compared, VGG19's by default.

    Returns:
      (content, style), two scalars; 0 for an empty batch.

    Raises:
      ValueError: a layer is missing, or its two maps differ in shape.
    """
    for label, features in (("generated", generated_features), ("target", target_features)):
        missing = [name for name in dict.fromkeys((*content_layers, *style_layers)) if name not in features]
        if missing:
            raise ValueError(f"{label}_features lack {', '.join(missing)}; there are {', '.join(features)}")

    def pair(name):
        generated = _reduce.feature_map(generated_features[name], f"generated_features[{name!r}]")
        target = _reduce.feature_map(target_features[name], f"target_features[{name!r}]")
        if not generated.shape.is_compatible_with(target.shape):
            raise ValueError(f"{name} must agree in shape, got {generated.shape} and {target.shape}")
        return generated, tf.stop_gradient(tf.cast(target, generated.dtype))

    content = tf.add_n([_mean_difference(*pair(name)) for name in content_layers])
    style = tf.add_n([_mean_difference(*map(gram_matrix, pair(name))) for name in style_layers])
    return content, style


def gram_matrix(features):
    """G = F F' / (h * w * c): float [B, h, w, c] -> [B, c, c]."""
    shape = tf.shape(features)
    flat = tf.reshape(features, [shape[0], shape[1] * shape[2], shape[3]])  # [B, h*w, c]
    size = tf.cast(shape[1] * shape[2] * shape[3], features.dtype)
    return tf.math.divide_no_nan(tf.matmul(flat, flat, transpose_a=True), size)


def _mean_difference(first, second):
    return _reduce.mean(tf.abs(first - second))
