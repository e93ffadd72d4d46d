"""VGG19's features, from one of three explicitly named sets of weights."""

import logging
import os
import types

import keras
import numpy as np
import tensorflow as tf

from gfla_tf.features import vgg19_weights
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.losses.perceptual import CONTENT_LAYERS, STYLE_LAYERS

_WIDTHS = (64, 128, 256, 512, 512)
_DILATIONS = [[1] * depth for depth in (2, 2, 4, 4, 4)]
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_INPUTS = ("signed", "imagenet")

_log = logging.getLogger("gfla_tf")


@keras.saving.register_keras_serializable("gfla_tf")
class VGG19Features(FeatureNetwork):
    """The rectified activations `relu1_1` ... `relu5_4` of VGG19, frozen.

    Call it on float [B, H, W, 3] RGB images in [-1, 1] for {name: activations}, or `features(images, names)`
    for some of them only.

    Args:
      weights: which network this is:
        a path to torchvision's `.pth` (needs the extra `[torch]`) or to an `.npz` with its names
        (`features.<i>.weight|bias`) and PyTorch's layouts: what the released models were trained with;
        "imagenet": Keras's file, downloaded by Keras at the first use. It is another network (Caffe's
        weights) with far larger activations: `calibrate` it on the first training batches, then content and
        style have a sensible size, though not the one that the paper's loss weights were chosen for;
        "random": He-normal weights of `seed`, for tests.
      vgg_input: what the first convolution reads. "signed" (the released program's way): the [-1, 1] image as
        it is; "imagenet": mean and standard deviation of ImageNet taken out. Weights "imagenet" always
        read BGR in 0 .. 255 less Caffe's mean, as they were trained.
      seed: of the random weights.
      width_multiplier: of every layer's channels; other than 1 for random weights only.

    Raises:
      ValueError: `vgg_input` or `width_multiplier` out of range.
      InputError: weights that are not there, cannot be downloaded, or do not fit.
    """

    correctness_layers = types.MappingProxyType({1: "relu2_1", 2: "relu3_1", 3: "relu4_1"})
    content_layers = CONTENT_LAYERS
    style_layers = STYLE_LAYERS

    def __init__(self, weights="imagenet", *, vgg_input="signed", seed=0, width_multiplier=1.0, **kwargs):
        if vgg_input not in _INPUTS:
            raise ValueError(f"vgg_input must be one of {', '.join(_INPUTS)}, got {vgg_input!r}")
        if not width_multiplier > 0 or (width_multiplier != 1 and weights != "random"):
            raise ValueError(
                f"width_multiplier must be positive, and 1 unless weights are random, got {width_multiplier}"
            )
        super().__init__([max(1, round(width * width_multiplier)) for width in _WIDTHS], _DILATIONS, **kwargs)
        self.source = os.fspath(weights)
        self.vgg_input = vgg_input
        self.seed = seed
        self.width_multiplier = width_multiplier
        if weights == "imagenet":
            values = vgg19_weights.from_keras(self.layer_names)
        elif weights == "random":
            values = vgg19_weights.random(self._shapes(), seed)
        else:
            values = vgg19_weights.from_file(self.source, self.layer_names, self._shapes())
        for name, (kernel, bias) in values.items():
            self.kernels[name].assign(kernel)
            self.biases[name].assign(bias)
        _log.info("%s", self.description)

    @property
    def description(self):
        """One sentence: which network this is."""
        if self.source == "imagenet":
            return (
                "VGG19 features: Keras's ImageNet weights (Caffe's, BGR input), each layer divided by its "
                "mean activation once calibrated; the loss weights then lack their released meaning."
            )
        if self.source == "random":
            width = f"width x {self.width_multiplier:g}"
            return f"VGG19 features: random weights of seed {self.seed}, {width}, input {self.vgg_input}."
        return f"VGG19 features: {self.source}, input {self.vgg_input}."

    @property
    def needs_calibration(self):
        """True while Keras's weights are in use and `calibrate` has not been called or restored."""
        return self.source == "imagenet" and bool(np.all(np.array(self.scales) == 1))

    def preprocess(self, images):
        if self.source == "imagenet":
            return (images[..., ::-1] + 1.0) * 127.5 - tf.constant(_CAFFE_MEAN_BGR, images.dtype)
        if self.vgg_input == "imagenet":
            unit = (images + 1.0) / 2.0
            mean, std = tf.constant(_IMAGENET_MEAN, images.dtype), tf.constant(_IMAGENET_STD, images.dtype)
            return (unit - mean) / std
        return images

    def _shapes(self):
        return {name: tuple(kernel.shape) for name, kernel in self.kernels.items()}

    def get_config(self):
        return {
            "name": self.name,
            "weights": self.source,
            "vgg_input": self.vgg_input,
            "seed": self.seed,
            "width_multiplier": self.width_multiplier,
        }
