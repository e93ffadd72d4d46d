"""Frozen feature networks for the losses: VGG19 and part features."""

from gfla_tf.features.part_features import PartFeatures
from gfla_tf.features.vgg19 import VGG19Features

__all__ = ["PartFeatures", "VGG19Features"]
