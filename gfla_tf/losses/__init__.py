"""The losses, one file per term."""

from gfla_tf.losses.adversarial import adversarial
from gfla_tf.losses.affine_regularization import affine_regularization
from gfla_tf.losses.perceptual import content_and_style
from gfla_tf.losses.sampling_correctness import best_similarity, mask_mean, sampling_correctness

__all__ = [
    "adversarial",
    "affine_regularization",
    "best_similarity",
    "content_and_style",
    "mask_mean",
    "sampling_correctness",
]
