"""The feature network VGG19, with a choice of three kinds of weights."""

from __future__ import annotations

import logging
import os
import types
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gfla_tf.arguments import integer, number, short
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
    """The frozen VGG19 network with activations `relu1_1` to `relu5_4`.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.features import VGG19Features

    vgg19 = VGG19Features("random", width_multiplier=1 / 16)  # or the path of torchvision's weights
    images = tf.random.uniform([1, 32, 32, 3], -1, 1)
    features = vgg19.features(images, ["relu3_1", "relu4_1"])
    print(features["relu3_1"].shape)  # (1, 8, 8, 16)
    ```

    Args:
      weights: one of the following.
        The path of torchvision's `.pth` file (requires the extra `[torch]`), or of an `.npz` file with the
        same names (`features.<i>.weight|bias`) and PyTorch's layouts. The released models were trained with
        these weights.
        "imagenet": Keras's weights, which Keras downloads when they are first used. These are Caffe's
        weights, with much larger activations. Call `calibrate` with the first training batches to normalize
        the content and style losses; their values still differ from those that the paper's loss weights were
        chosen for.
        "random": He-normal weights, for tests.
      vgg_input: the input of the first convolution. "signed": the image in [-1, 1], as in the released
        program. "imagenet": normalized with the mean and standard deviation of ImageNet. With the weights
        "imagenet" the input is always BGR in [0, 255] minus Caffe's mean, with which they were trained.
      seed: seed of the random weights.
      width_multiplier: factor of the number of channels of each layer; must be 1 unless the weights are
        random.

    Call arguments:
      images: [B, H, W, 3] RGB, uint8 in [0, 255] or float in [-1, 1].

    Raises:
      ValueError: an invalid argument.
      InputError: the weights do not exist, cannot be downloaded or do not fit.
    """

    correctness_layers = types.MappingProxyType({1: "relu2_1", 2: "relu3_1", 3: "relu4_1"})
    content_layers = CONTENT_LAYERS
    style_layers = STYLE_LAYERS

    def __init__(
        self,
        weights: str | os.PathLike = "imagenet",
        *,
        vgg_input: str = "signed",
        seed: int = 0,
        width_multiplier: float = 1.0,
        **kwargs: Any,
    ):
        if vgg_input not in _INPUTS:
            raise ValueError(f"vgg_input must be one of {', '.join(_INPUTS)}, got {vgg_input!r}")
        if not isinstance(weights, str | os.PathLike) or not os.fspath(weights):
            raise ValueError(f'weights must be "imagenet", "random" or a path, got {short(weights)}')
        integer("seed", seed, 0, 2**32 - 1)
        number("width_multiplier", width_multiplier, 0, 4, strict=True)
        if width_multiplier != 1 and weights != "random":
            raise ValueError(f"width_multiplier must be 1 unless weights are random, got {width_multiplier}")
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
    def description(self) -> str:
        """A sentence that describes the network and its weights."""
        if self.source == "imagenet":
            return (
                "VGG19 features: Keras's ImageNet weights (from Caffe, BGR input), each layer divided by its "
                "mean activation after calibration; the released loss weights were chosen for other features."
            )
        if self.source == "random":
            width = f"width x {self.width_multiplier:g}"
            return f"VGG19 features: random weights of seed {self.seed}, {width}, input {self.vgg_input}."
        return f"VGG19 features: {self.source}, input {self.vgg_input}."

    @property
    def needs_calibration(self) -> bool:
        """Whether the weights are "imagenet" and neither calibrated nor loaded from a calibrated network."""
        return self.source == "imagenet" and bool(np.all(np.array(self.scales) == 1))

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
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
            **super().get_config(),
            "weights": self.source,
            "vgg_input": self.vgg_input,
            "seed": self.seed,
            "width_multiplier": self.width_multiplier,
        }
