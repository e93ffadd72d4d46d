"""Base class of the two trainers: named losses, feature losses, optimizers and metrics."""

import typing
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, arguments, losses
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.models.network_arguments import MAX_SIDE
from gfla_tf.ops.flow import resize_flow
from gfla_tf.training.batch import Batch, correctness_weight, count_examples, take_batch, without_empty
from gfla_tf.training.optimized_model import OptimizedModel
from gfla_tf.training.replicas import sum_over_replicas

Logs = dict[str, tf.Tensor]

_MAX_WEIGHT = 1e9


class Reference(typing.NamedTuple):
    """Features of the real images, which do not depend on the trained networks."""

    source: dict[str, tf.Tensor]
    target: dict[str, tf.Tensor]
    best: list[tf.Tensor]  # mu_max (Eq. 3) of each attention layer, [B, h, w]


class StageTrainer(OptimizedModel):
    """Base class of a training stage; `loss` is the sum of its named losses, each times its weight.

    Batches of SyntheticPeople that contain the true flow also report `flow_error` in `evaluate` (and
    `val_flow_error` in `fit`): the end-point error of the finest flow on visible pixels of the person,
    divided by that of zero flow.

    Args:
      features: the frozen network whose features the losses compare. Attention layer L, at 1 / 2^L of the
        image size, uses its `correctness_layers[L]`, which has the same size.
      attention_layers: {layer: patch size n} of the trained model, coarse to fine.
      loss_weights: replaces some of `default_weights`, by name.
      heatmap_sigma: standard deviation in pixels of the pose maps rendered from keypoints.
      background: weight of the correctness outside the target person.

    Raises:
      ValueError: an argument is not valid, or `features` has no features for an attention layer.
    """

    default_weights: typing.ClassVar[Mapping[str, float]] = {}

    def __init__(
        self,
        features: FeatureNetwork,
        attention_layers: Mapping[int, int],
        loss_weights: Mapping[str, float] | None,
        heatmap_sigma: float,
        background: float,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_instance(features, FeatureNetwork, "features")
        unknown = set(loss_weights or {}) - set(self.default_weights)
        if unknown:
            known = ", ".join(self.default_weights)
            raise ValueError(f"unknown loss_weights {', '.join(sorted(unknown))}; the losses are {known}")
        for name, weight in (loss_weights or {}).items():
            arguments.number(f"loss_weights[{name!r}]", weight, 0, _MAX_WEIGHT)
        missing = [layer for layer in attention_layers if layer not in features.correctness_layers]
        if missing:
            known = dict(features.correctness_layers)
            raise ValueError(
                f"the feature network has no layer for attention layers {missing}; it has {known}"
            )
        self.features = features
        self.patch_sizes = list(attention_layers.values())
        self.correctness_layers = [features.correctness_layers[layer] for layer in attention_layers]
        self.scales = [2**layer for layer in attention_layers]
        self.perceptual_layers = [*features.content_layers, *features.style_layers]
        self.loss_weights = {**self.default_weights, **(loss_weights or {})}
        self.heatmap_sigma = arguments.number("heatmap_sigma", heatmap_sigma, 0, MAX_SIDE, strict=True)
        self.background = arguments.number("background", background, 0, _MAX_WEIGHT)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.loss_weights)}
        self.flow_error = keras.metrics.Mean(name="flow_error")

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the results of the metrics over all replicas, by name, as the steps report them."""
        results = super().get_metrics_result()
        with self.distribute_strategy.scope():
            count = _compat.tf_variable(self.flow_error.count).read_value()
        if tf.executing_eagerly() and float(count) == 0:  # the batches have no true flow
            del results["flow_error"]
        return results

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self.trackers.values(), self.flow_error]

    def checkpoint_networks(self) -> list[Any]:
        """Returns the variables of the trained networks."""
        raise NotImplementedError

    def reference(self, batch: Batch, perceptual: bool) -> Reference:
        """Returns the features of the real images, computed once per batch and without gradients.

        Args:
          batch: a dict with `source_image` and `target_image`, [B, H, W, 3] in [-1, 1].
          perceptual: whether `target` also contains the layers of the content and style losses.
        """
        layers = list(self.correctness_layers)
        source = self.features.features(tf.stop_gradient(batch["source_image"]), layers)
        if perceptual:
            layers += self.perceptual_layers
        target = self.features.features(tf.stop_gradient(batch["target_image"]), layers)
        best = [losses.best_similarity(source[name], target[name]) for name in self.correctness_layers]
        return Reference(source, target, best)

    def test_batch(self, data: Any) -> Batch:
        """Returns the batch of a `test_step`, which has an example on every replica."""
        batch = take_batch(data)
        return without_empty(batch) if self.distribute_strategy.num_replicas_in_sync > 1 else batch

    def mask_means(self, batch: Batch) -> list[tf.Tensor | None]:
        """Returns for each attention layer the mean weight of the correctness in the batch of all replicas.

        They are None if the correctness has no weights, or if one replica computes it for the whole batch.
        """
        weight = correctness_weight(batch, self.background)
        replicas = self.distribute_strategy.num_replicas_in_sync
        if weight is None or self.accumulation * replicas == 1:
            return [None] * len(self.scales)
        height, width = tf.unstack(tf.shape(weight)[1:3])
        means = [losses.mask_mean(weight, (height // scale, width // scale)) for scale in self.scales]
        if replicas > 1:  # the replicas have different numbers of examples at the end of a validation
            examples = tf.cast(count_examples(batch), tf.float32)
            *sums, examples = sum_over_replicas([*(examples * mean for mean in means), examples])
            means = [tf.math.divide_no_nan(one, examples) for one in sums]
        return means

    def correctness(
        self,
        batch: Batch,
        reference: Reference,
        flows: list[tf.Tensor],
        mask_means: list[tf.Tensor | None] | None = None,
    ) -> tf.Tensor:
        """Returns the sampling correctness (Eq. 3), summed over the attention layers.

        Args:
          batch: the batch, or a part of it.
          reference: the features of its real images.
          flows: its flows.
          mask_means: the result of `mask_means` for the whole batch; by default that of `batch`.
        """
        weight = correctness_weight(batch, self.background)
        source, target, best = reference
        mask_means = mask_means or [None] * len(flows)
        return tf.add_n(
            [
                losses.sampling_correctness(
                    source[name], target[name], flow, weight, best=mu_max, mask_mean=mean
                )
                for name, flow, mu_max, mean in zip(
                    self.correctness_layers, flows, best, mask_means, strict=True
                )
            ]
        )

    def regularization(self, flows: list[tf.Tensor]) -> tf.Tensor:
        """Returns the affine regularization (Eq. 6), summed over the attention layers."""
        return tf.add_n(
            [losses.affine_regularization(flow, n) for flow, n in zip(flows, self.patch_sizes, strict=True)]
        )

    def content_and_style(self, reference: Reference, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the content and style losses (Eq. 13 and 14) of a generated image [B, H, W, 3]."""
        return losses.content_and_style(
            self.features.features(image, self.perceptual_layers),
            reference.target,
            content_layers=list(self.features.content_layers),
            style_layers=list(self.features.style_layers),
        )

    def weighted(self, terms: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the sum of the losses that have weights, each times its weight."""
        return tf.add_n([weight * terms[name] for name, weight in self.loss_weights.items()])

    def report(self, batch: Batch, terms: Mapping[str, tf.Tensor]) -> Logs:
        """Updates the metrics, weighted by the number of examples in the batch, and returns the logs.

        Args:
          batch: the batch.
          terms: the losses by name; `loss` is computed from them.
        """
        for name, value in {"loss": self.weighted(terms), **terms}.items():
            self.trackers[name].update_state(value, sample_weight=count_examples(batch))
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def report_flow_error(self, batch: Batch, flow: tf.Tensor) -> Logs:
        """Returns the log of `flow_error`; an empty dict if the batch has no true flow."""
        if "flow" not in batch:
            return {}
        truth = batch["flow"]
        visible = tf.cast((batch["visibility"] > 0.5) & (batch["target_parts"] > 0), tf.float32)
        flow = resize_flow(flow, tf.shape(truth)[1:3])
        error = tf.reduce_sum(visible * tf.norm(flow - truth, axis=-1))
        zero = tf.reduce_sum(visible * tf.norm(truth, axis=-1))
        self.flow_error.update_state(error / tf.maximum(zero, 1e-6), sample_weight=zero)
        return {"flow_error": self.flow_error.result()}

    def base_config(self) -> dict[str, Any]:
        """Returns the configuration of the constructor arguments that both trainers have."""
        return {
            **keras.layers.Layer.get_config(self),
            "features": keras.saving.serialize_keras_object(self.features),
            "loss_weights": {key: float(value) for key, value in self.loss_weights.items()},
            "heatmap_sigma": self.heatmap_sigma,
            "background": self.background,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "StageTrainer":
        networks = ("features", "flow_field_estimator", "generator", "discriminator")
        return cls(
            **{
                key: keras.saving.deserialize_keras_object(value) if key in networks else value
                for key, value in config.items()
            }
        )

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Does nothing: the constructor builds all variables."""


def check_instance(value: Any, kind: type, name: str) -> None:
    """Raises a ValueError if an argument is not of a class."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be a {kind.__name__}, got {arguments.short(value)}")
