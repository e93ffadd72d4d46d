"""The losses that compare features: each image goes through the feature network once, as deep as needed."""

import tensorflow as tf

from gfla_tf import losses


class FeatureLosses:
    """Correctness, content and style for one model and one frozen feature network.

    The network says where: attention layer L (1 / 2^L of the image) is compared at its
    `correctness_layers[L]`, which has the same size; content and style at its `content_layers` and
    `style_layers`.

    Args:
      features: `VGG19Features` or `PartFeatures`.
      attention_layers: {layer: n}, coarse to fine, as the models have it.

    Raises:
      ValueError: the network has no features for one of the layers.
    """

    def __init__(self, features, attention_layers):
        self.features = features
        self.patch_sizes = list(attention_layers.values())
        missing = [layer for layer in attention_layers if layer not in features.correctness_layers]
        if missing:
            known = dict(features.correctness_layers)
            raise ValueError(f"the feature network has no map of attention layers {missing}; it has {known}")
        self.correctness_layers = [features.correctness_layers[layer] for layer in attention_layers]
        self.content_layers = list(features.content_layers)
        self.style_layers = list(features.style_layers)

    def reference(self, source_image, target_image, perceptual):
        """What does not depend on what is trained; no gradient work is done for it.

        Returns (source features, target features, mu_max of each attention layer); with `perceptual` the
        target's features include those of content and style.
        """
        wanted = list(self.correctness_layers)
        source = self.features.features(tf.stop_gradient(source_image), wanted)
        if perceptual:
            wanted += self.content_layers + self.style_layers
        target = self.features.features(tf.stop_gradient(target_image), wanted)
        best = [losses.best_similarity(source[name], target[name]) for name in self.correctness_layers]
        return source, target, best

    def correctness(self, reference, flows, weight=None):
        """Sampling correctness, summed over the flows."""
        source, target, best = reference
        return tf.add_n(
            [
                losses.sampling_correctness(source[name], target[name], flow, weight, best=mu_max)
                for name, flow, mu_max in zip(self.correctness_layers, flows, best, strict=True)
            ]
        )

    def regularization(self, flows):
        """Affine regularisation, summed over the flows, each with its layer's patch size."""
        return tf.add_n(
            [losses.affine_regularization(flow, n) for flow, n in zip(flows, self.patch_sizes, strict=True)]
        )

    def content_and_style(self, reference, image):
        """(content, style) of a generated image against the target."""
        generated = self.features.features(image, self.content_layers + self.style_layers)
        return losses.content_and_style(
            generated, reference[1], content_layers=self.content_layers, style_layers=self.style_layers
        )
