"""The losses, one file a term, and the frozen networks whose features they compare."""

from gfla_tf.losses.adversarial import adversarial
from gfla_tf.losses.affine_regularization import affine_regularization
from gfla_tf.losses.part_features import PartFeatures
from gfla_tf.losses.perceptual import content_and_style
from gfla_tf.losses.sampling_correctness import best_similarity, sampling_correctness
from gfla_tf.losses.vgg19 import VGG19Features

__all__ = [
    "PartFeatures",
    "VGG19Features",
    "adversarial",
    "affine_regularization",
    "best_similarity",
    "content_and_style",
    "sampling_correctness",
]
