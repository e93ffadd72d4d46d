"""The sampling correctness loss (paper, Eq. 2 and 3): the sampled source features should match the target.

    L_c = mean over l of exp(-mu(v_{s,w}(l), v_t(l)) / mu_max(l)) - exp(-1)
    mu_max(l) = max over l' of mu(v_s(l'), v_t(l))

mu is the cosine similarity, v_s and v_t are the features of the source and target images, and v_{s,w} is v_s
sampled along the flow with a Gaussian window (`gfla_tf.ops.gaussian_warp`).
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from gfla_tf.losses import _reduce
from gfla_tf.ops.checks import TensorLike
from gfla_tf.ops.flow import gaussian_warp

_EPSILON = 1e-8
_LARGEST_EXPONENT = 60.0  # mu_max can be near 0 if features have both signs; exp() must be finite in float32
_BLOCK_ELEMENTS = 2**22  # similarities in memory at once: 16 MiB of float32


def sampling_correctness(
    source_features: TensorLike,
    target_features: TensorLike,
    flow: TensorLike,
    mask: TensorLike | None = None,
    *,
    best: TensorLike | None = None,
    mask_mean: TensorLike | None = None,
) -> tf.Tensor:
    """Computes the sampling correctness of the flow of one layer.

    Only the flow has a gradient. The features should be rectified activations, for which mu and mu_max are
    not negative.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import losses

    source, target = tf.nn.relu(tf.random.normal([2, 4, 16, 16, 64]))
    loss = losses.sampling_correctness(source, target, tf.zeros([4, 16, 16, 2]))
    ```

    Args:
      source_features: v_s, float [B, H, W, C].
      target_features: v_t, float [B, H, W, C].
      flow: w, float [B, h, w, 2], (dx, dy) in pixels. If its size is not H x W, it is resized with
        nearest-neighbor interpolation, as by PyTorch, without scaling its values.
      mask: bool or non-negative weights [B, h', w', 1] or [B, h', w'], resized to H x W in the same way. The
        loss is then the weighted mean sum(mask * term) / (sum(mask) + 1e-8), 0 if the mask is 0.
      best: mu_max, the result of `best_similarity` for the same features, float [B, H, W]. It is computed
        unless given.
      mask_mean: a scalar, `mask_mean` of the mask of a whole batch, if these features are a part of it; the
        loss is then mean(mask * term) / (mask_mean + 1e-8), whose mean over equal parts is the loss of the
        whole batch.

    Returns:
      A scalar of the features' dtype (float32 for half types), 0 for an empty batch.

    Raises:
      ValueError: wrong rank, dtype or number of channels, or different sizes.
    """
    source, target = _feature_pair(source_features, target_features)
    height, width = tf.shape(source)[1], tf.shape(source)[2]
    flow = _nearest(_reduce.feature_map(flow, "flow"), height, width)
    if flow.shape[-1] != 2:
        raise ValueError(f"flow must have 2 channels (dx, dy), got shape {flow.shape}")
    flow.set_shape([None, source.shape[1], source.shape[2], 2])
    best = best_similarity(source, target) if best is None else _best(best, source)
    sampled = gaussian_warp(source, tf.cast(flow, source.dtype))  # [B, H, W, C]
    similarity = _cosine(sampled, target)  # [B, H, W]
    ratio = similarity / _away_from_zero(tf.stop_gradient(best) + _EPSILON)
    term = tf.exp(tf.minimum(-ratio, _LARGEST_EXPONENT)) - math.exp(-1.0)
    if mask is None:
        return _reduce.mean(term)
    mask = _mask(mask, term.dtype)
    if not mask.shape[:1].is_compatible_with(term.shape[:1]):
        raise ValueError(f"mask must be for a batch of {term.shape[0]}, got shape {mask.shape}")
    weight = _nearest(mask, height, width)[..., 0]  # [B, H, W]
    inside = tf.where(weight > 0, weight * term, tf.zeros_like(term))
    if mask_mean is not None:
        return _reduce.mean(inside) / (tf.cast(mask_mean, inside.dtype) + _EPSILON)
    return tf.reduce_sum(inside) / (tf.reduce_sum(weight) + _EPSILON)


def mask_mean(mask: TensorLike, size: tuple[Any, Any]) -> tf.Tensor:
    """Computes the mean weight of a mask of `sampling_correctness`.

    Args:
      mask: bool or non-negative weights [B, h', w', 1] or [B, h', w'].
      size: H and W of the features, to which the mask is resized.

    Returns:
      A float32 scalar, 0 for an empty batch.

    Raises:
      ValueError: wrong rank or number of channels.
    """
    return _reduce.mean(_nearest(_mask(mask, tf.float32), *size))


def best_similarity(source_features: TensorLike, target_features: TensorLike) -> tf.Tensor:
    """Computes mu_max: for each target location, the largest cosine similarity with any source location.

    The target locations are processed in blocks, so that the memory is bounded for any batch and size. The
    result does not depend on the flow and has no gradient.

    Args:
      source_features, target_features: v_s and v_t, float [B, H, W, C].

    Returns:
      float [B, H, W].

    Raises:
      ValueError: wrong rank or dtype, or different shapes.
    """
    source, target = _feature_pair(source_features, target_features)
    batch, height, width, channels = _shape(target)
    locations = height * width
    source = tf.reshape(_normalized(source), [batch, locations, channels])
    target = tf.reshape(_normalized(target), [batch, locations, channels])
    rows = _rows_in_a_block(batch, locations)
    blocks = -(-locations // rows)  # at least one, so that empty maps have a block of padding
    blocks = max(1, blocks) if isinstance(blocks, int) else tf.maximum(1, blocks)
    target = tf.pad(target, [[0, 0], [0, blocks * rows - locations], [0, 0]])
    target = tf.reshape(target, [batch, blocks, rows, channels])
    best = tf.map_fn(
        lambda block: tf.reduce_max(tf.matmul(block, source, transpose_b=True), axis=-1),  # [B, rows]
        tf.transpose(target, [1, 0, 2, 3]),  # [blocks, B, rows, C]
        parallel_iterations=1,
    )
    best = tf.reshape(tf.transpose(best, [1, 0, 2]), [batch, blocks * rows])[:, :locations]
    return tf.stop_gradient(tf.reshape(best, [batch, height, width]))


def _feature_pair(source, target):
    source = _reduce.feature_map(source, "source_features")
    target = _reduce.feature_map(target, "target_features")
    if not source.shape.is_compatible_with(target.shape):
        raise ValueError(
            f"source_features and target_features must agree in shape, got {source.shape} and {target.shape}"
        )
    if source.shape[-1] is None:
        raise ValueError(f"source_features needs a static channel count, got shape {source.shape}")
    return tf.stop_gradient(source), tf.stop_gradient(tf.cast(target, source.dtype))


def _best(best, source):
    best = tf.cast(best, source.dtype)
    if best.shape.rank != 3 or not best.shape.is_compatible_with(source.shape[:3]):
        raise ValueError(f"best must be [B, H, W] = {source.shape[:3]}, got shape {best.shape}")
    return best


def _shape(tensor):
    """The sizes of a tensor: ints if they are static, otherwise scalar tensors."""
    dynamic = tf.shape(tensor)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(tensor.shape)]


def _rows_in_a_block(batch, locations):
    """The number of target locations per block, in 1 .. locations: an int or a scalar tensor."""
    if isinstance(batch, int) and isinstance(locations, int):
        return max(1, min(locations, _BLOCK_ELEMENTS // max(1, batch * locations)))
    fitting = _BLOCK_ELEMENTS // tf.maximum(1, batch * locations)
    return tf.maximum(1, tf.minimum(locations, fitting))


def _normalized(features):
    """Normalizes along the channels: features / max(|features|, eps)."""
    square = tf.reduce_sum(tf.square(features), axis=-1, keepdims=True)
    return features * tf.math.rsqrt(tf.maximum(square, _EPSILON**2))


def _cosine(first, second):
    """The cosine similarity along the channels of two [B, H, W, C] -> [B, H, W]."""
    return tf.reduce_sum(_normalized(first) * _normalized(second), axis=-1)


def _away_from_zero(denominator):
    smallest = tf.constant(_EPSILON, denominator.dtype)
    return tf.where(tf.abs(denominator) < smallest, smallest, denominator)


def _mask(mask, dtype):
    """Converts a mask to weights [B, h, w, 1]."""
    mask = tf.cast(mask, dtype)
    if mask.shape.rank == 3:
        mask = mask[..., None]
    if mask.shape.rank != 4 or mask.shape[-1] != 1:
        raise ValueError(f"mask must be [B, H, W, 1] or [B, H, W], got shape {mask.shape}")
    return mask


def _nearest(tensor, height, width):
    """Resizes [B, h, w, C] to H x W: row i is row floor(i * h / H), computed in float32 as by PyTorch."""
    for axis, size in ((1, height), (2, width)):
        old = tf.shape(tensor)[axis]
        scale = tf.cast(old, tf.float32) / tf.cast(size, tf.float32)
        index = tf.cast(tf.floor(tf.cast(tf.range(size), tf.float32) * scale), tf.int32)
        tensor = tf.gather(tensor, tf.minimum(index, old - 1), axis=axis)
    return tensor
