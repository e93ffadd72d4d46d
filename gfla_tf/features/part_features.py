"""A small VGG-like network that has learnt body parts: matching where no pretrained VGG is at hand."""

import logging
import types

import keras
import numpy as np

from gfla_tf.features import part_labeller
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.ops.checks import positive_int

# Dilated, so that the layers that are matched see much of a person (34, 76 and 96 pixels) and know where they
# are; with plain convolutions the median match of relu2_3 and of relu3_3 was 65 % and 15 % further off.
_DILATIONS = ((1, 1), (1, 2, 4), (1, 2, 2), (1,))

_log = logging.getLogger("gfla_tf")


@keras.saving.register_keras_serializable("gfla_tf")
class PartFeatures(FeatureNetwork):
    """The rectified activations `relu1_1` ... `relu4_1` of a network trained on part labels, frozen.

    Call it on float [B, H, W, 3] RGB images in [-1, 1] for {name: activations}, or `features(images, names)`
    for some of them only. Until `fit_parts` or loaded weights it is random. After `fit_parts` two places look
    alike to it if they show the same part of the body and a similar texture, whatever the light: what the
    sampling correctness loss needs. It takes VGG19's place there, and in content and style by its own layers.

    Args:
      width: channels of the first block; each of the four blocks has twice those of the one before.
      num_parts: number of part labels, background included.
      seed: of the initial weights.

    Raises:
      ValueError: `width` or `num_parts` is not a positive int.
    """

    correctness_layers = types.MappingProxyType({1: "relu2_3", 2: "relu3_3", 3: "relu4_1"})
    content_layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    style_layers = ("relu2_3", "relu3_3", "relu4_1")

    def __init__(self, width=16, num_parts=16, *, seed=0, **kwargs):
        positive_int(width, "width")
        positive_int(num_parts, "num_parts")
        super().__init__([width * 2**block for block in range(len(_DILATIONS))], _DILATIONS, **kwargs)
        self.width = width
        self.num_parts = num_parts
        self.seed = seed
        self.fitted = self.add_weight(name="fitted", shape=[], initializer="zeros", trainable=False)
        self._take_weights(part_labeller.build(self, seed))

    @property
    def description(self):
        """One sentence: which network this is."""
        state = "trained on part labels" if float(self.fitted) else "random: not yet trained"
        return f"PartFeatures of width {self.width}, {self.num_parts} parts, {state}; not VGG19."

    def fit_parts(
        self,
        images,
        parts,
        *,
        steps=600,
        batch_size=32,
        learning_rate=2e-3,
        seed=0,
        validation=None,
        callbacks=(),
        verbose=0,
    ):
        """Trains the features on part labels, through small heads that are thrown away afterwards.

        The layers that are matched (`correctness_layers`) predict the labels at their own resolution. Light,
        tint, contrast and noise vary at random, so the features learn to be indifferent to them.

        Args:
          images: uint8 [N, H, W, 3], RGB; H and W multiples of 8.
          parts: integers [N, H, W] in 0 .. num_parts - 1; 0 is the background.
          steps: training steps, reported every 50; 600 of 32 images of 64 x 64 take a minute on two cores.
          batch_size: images a step.
          learning_rate: of Adam, at the start; it falls to 0 along a half cosine.
          seed: of the order of images and the augmentation.
          validation: optional (images, parts) of other people, measured once at the end.
          callbacks, verbose: as for `keras.Model.fit`; an epoch is 50 steps.

        Returns:
          {"loss": ..., "<layer>_accuracy": ...} of the last 50 steps, the accuracies over a person's cells;
          with `validation` also "val_..." of each.

        Raises:
          ValueError: shapes, dtypes or labels that do not fit, or no images.
        """
        part_labeller.check(images, parts, self.num_parts)
        labeller = part_labeller.build(self, seed)
        part_labeller.give_weights(labeller, self.kernels, self.biases)
        figures = part_labeller.fit(
            labeller,
            images,
            parts,
            num_parts=self.num_parts,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            callbacks=callbacks,
            verbose=verbose,
        )
        if validation is not None:
            part_labeller.check(*validation, self.num_parts)
            measured = part_labeller.evaluate(labeller, *validation, self.num_parts, batch_size)
            figures |= {f"val_{name}": value for name, value in measured.items()}
        self._take_weights(labeller)
        self.fitted.assign(1.0)
        _log.info("%s", self.description)
        return figures

    def _take_weights(self, labeller):
        for name in self.layer_names:
            kernel, bias = labeller.get_layer(name).get_weights()
            self.kernels[name].assign(np.asarray(kernel))
            self.biases[name].assign(np.asarray(bias))

    def get_config(self):
        return {"name": self.name, "width": self.width, "num_parts": self.num_parts, "seed": self.seed}
