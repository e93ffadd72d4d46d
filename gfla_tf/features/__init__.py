"""Frozen networks whose features the losses compare."""

from gfla_tf.features.part_features import PartFeatures
from gfla_tf.features.vgg19 import VGG19Features

__all__ = ["PartFeatures", "VGG19Features"]
