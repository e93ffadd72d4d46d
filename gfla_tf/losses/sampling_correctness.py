"""The sampling correctness loss (paper, Eq. 2 and 3): does the flow point at what looks like the target?

    L_c = mean over l of exp(-mu(v_{s,w}(l), v_t(l)) / mu_max(l)) - exp(-1)
    mu_max(l) = max over l' of mu(v_s(l'), v_t(l))

mu is the cosine similarity, v_s and v_t are the features of the real source and target, and v_{s,w} is v_s
sampled with the Gaussian window where the flow points (`gfla_tf.ops.gaussian_warp`).
"""

import math

import tensorflow as tf

from gfla_tf.losses import _reduce
from gfla_tf.ops.flow import gaussian_warp

_EPSILON = 1e-8
_LARGEST_EXPONENT = 60.0  # features of either sign can make mu_max tiny; exp() must stay finite in float32
_BLOCK_ELEMENTS = 2**22  # similarities held at once: 16 MiB of float32


def sampling_correctness(source_features, target_features, flow, mask=None, *, best=None):
    """Sampling correctness of the flow of one layer.

    Gradients reach the flow alone: the features are constants. Features are best raw rectified activations
    (mu and mu_max are then never negative).

    Args:
      source_features: float [B, H, W, C], of the source image.
      target_features: float [B, H, W, C], of the target image.
      flow: float [B, h, w, 2], (dx, dy) in pixels of its map. Resized to H x W if it differs (nearest, as
        PyTorch rounds), its values unscaled.
      mask: optional [B, h', w', 1] or [B, h', w'], bool or a weight of at least 0; resized to H x W likewise.
        The loss is then the weighted mean over the mask, sum(mask * term) / (sum(mask) + 1e-8), 0 of no mask.
      best: optional float [B, H, W], what `best_similarity` gave for the same features.

    Returns:
      A scalar of the features' dtype (float32 for half types); 0 for an empty batch.

    Raises:
      ValueError: wrong rank, dtype, channels, or sizes that differ.
    """
    source, target = _feature_pair(source_features, target_features)
    height, width = tf.shape(source)[1], tf.shape(source)[2]
    flow = _nearest(_reduce.feature_map(flow, "flow"), height, width)
    if flow.shape[-1] != 2:
        raise ValueError(f"flow must have 2 channels (dx, dy), got shape {flow.shape}")
    flow.set_shape([None, source.shape[1], source.shape[2], 2])
    best = best_similarity(source, target) if best is None else tf.cast(best, source.dtype)
    sampled = gaussian_warp(source, tf.cast(flow, source.dtype))  # [B, H, W, C]
    similarity = _cosine(sampled, target)  # [B, H, W]
    ratio = similarity / _away_from_zero(tf.stop_gradient(best) + _EPSILON)
    term = tf.exp(tf.minimum(-ratio, _LARGEST_EXPONENT)) - math.exp(-1.0)
    if mask is None:
        return _reduce.mean(term)
    weight = _nearest(_mask(mask, term.dtype), height, width)[..., 0]  # [B, H, W]
    inside = tf.where(weight > 0, weight * term, tf.zeros_like(term))
    return tf.reduce_sum(inside) / (tf.reduce_sum(weight) + _EPSILON)


def best_similarity(source_features, target_features):
    """mu_max: for each target location, the largest cosine similarity with any location of its source.

    Found in blocks of target rows, so memory stays bounded at any batch and size: the similarities of all
    pairs of locations are never held at once. It does not depend on the flow and has no gradient.

    Args:
      source_features, target_features: float [B, H, W, C].

    Returns:
      float [B, H, W].

    Raises:
      ValueError: wrong rank, dtype, or shapes that differ.
    """
    source, target = _feature_pair(source_features, target_features)
    batch, height, width, channels = _shape(target)
    locations = height * width
    source = tf.reshape(_normalised(source), [batch, locations, channels])
    target = tf.reshape(_normalised(target), [batch, locations, channels])
    rows = _rows_in_a_block(batch, locations)
    blocks = -(-locations // rows)
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


def _shape(tensor):
    """The sizes of a tensor: ints where they are known, scalar tensors where they are not."""
    dynamic = tf.shape(tensor)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(tensor.shape)]


def _rows_in_a_block(batch, locations):
    """How many target locations are compared at once, in 1 .. locations: an int or a scalar tensor."""
    if isinstance(batch, int) and isinstance(locations, int):
        return max(1, min(locations, _BLOCK_ELEMENTS // max(1, batch * locations)))
    fitting = _BLOCK_ELEMENTS // tf.maximum(1, batch * locations)
    return tf.maximum(1, tf.minimum(locations, fitting))


def _normalised(features):
    """features / max(|features|, eps), along the channels."""
    square = tf.reduce_sum(tf.square(features), axis=-1, keepdims=True)
    return features * tf.math.rsqrt(tf.maximum(square, _EPSILON**2))


def _cosine(first, second):
    """Cosine similarity along the channels, [B, H, W, C] twice -> [B, H, W]."""
    return tf.reduce_sum(_normalised(first) * _normalised(second), axis=-1)


def _away_from_zero(denominator):
    smallest = tf.constant(_EPSILON, denominator.dtype)
    return tf.where(tf.abs(denominator) < smallest, smallest, denominator)


def _mask(mask, dtype):
    """A mask as [B, h, w, 1] weights."""
    mask = tf.cast(mask, dtype)
    if mask.shape.rank == 3:
        mask = mask[..., None]
    if mask.shape.rank != 4 or mask.shape[-1] != 1:
        raise ValueError(f"mask must be [B, H, W, 1] or [B, H, W], got shape {mask.shape}")
    return mask


def _nearest(tensor, height, width):
    """Resizes [B, h, w, C] to H x W: row i reads row floor(i * h / H), in float32 as PyTorch computes it."""
    for axis, size in ((1, height), (2, width)):
        old = tf.shape(tensor)[axis]
        scale = tf.cast(old, tf.float32) / tf.cast(size, tf.float32)
        index = tf.cast(tf.floor(tf.cast(tf.range(size), tf.float32) * scale), tf.int32)
        tensor = tf.gather(tensor, tf.minimum(index, old - 1), axis=axis)
    return tensor
