"""What both stages share: named losses, their weights, and the metrics that report them."""

import typing

import keras
import tensorflow as tf

from gfla_tf.ops.flow import resize_flow
from gfla_tf.training.feature_losses import FeatureLosses


class StageTrainer(keras.Model):
    """A stage of training: losses have names, `loss_weights` weighs them by name, `loss` is the weighted sum.

    Batches of SyntheticPeople that carry the true flow also report, in `evaluate` and as `val_…`,
    `flow_error`: the end-point error of the finest flow on visible person pixels, over zero flow's.
    """

    default_weights: typing.ClassVar[dict] = {}

    def __init__(self, features, attention_layers, loss_weights, heatmap_sigma, background, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.features = features
        self.feature_losses = FeatureLosses(features, attention_layers)
        unknown = set(loss_weights or {}) - set(self.default_weights)
        if unknown:
            known = ", ".join(self.default_weights)
            raise ValueError(f"loss_weights has {', '.join(sorted(unknown))}; the losses are {known}")
        self.loss_weights = {**self.default_weights, **(loss_weights or {})}
        self.heatmap_sigma = heatmap_sigma
        self.background = background
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.loss_weights)}
        self.flow_error = keras.metrics.Mean(name="flow_error")

    @property
    def metrics(self):
        return [*self.trackers.values(), self.flow_error]

    def weighted(self, terms):
        """The sum of weight * term over the named terms."""
        return tf.add_n([self.loss_weights[name] * term for name, term in terms.items()])

    def report(self, loss, terms):
        """Updates the trackers and returns the logs."""
        for name, value in {"loss": loss, **terms}.items():
            self.trackers[name].update_state(value)
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def report_flow_error(self, batch, flow):
        """Adds `flow_error` where the batch knows the truth; an empty dict elsewhere."""
        if "flow" not in batch:
            return {}
        truth = batch["flow"]
        seen = tf.cast((batch["visibility"] > 0.5) & (batch["target_parts"] > 0), tf.float32)
        flow = resize_flow(flow, tf.shape(truth)[1:3])
        error = tf.reduce_sum(seen * tf.norm(flow - truth, axis=-1))
        zero = tf.reduce_sum(seen * tf.norm(truth, axis=-1))
        self.flow_error.update_state(error / tf.maximum(zero, 1e-6), sample_weight=zero)
        return {"flow_error": self.flow_error.result()}

    def base_config(self):
        """The arguments that both stages take."""
        return {
            **keras.layers.Layer.get_config(self),
            "features": keras.saving.serialize_keras_object(self.features),
            "loss_weights": {key: float(value) for key, value in self.loss_weights.items()},
            "heatmap_sigma": self.heatmap_sigma,
            "background": self.background,
        }

    @classmethod
    def from_config(cls, config):
        networks = ("features", "flow_field_estimator", "generator", "discriminator")
        return cls(
            **{
                key: keras.saving.deserialize_keras_object(value) if key in networks else value
                for key, value in config.items()
            }
        )

    def build_from_config(self, config):
        """Nothing is left to build when a saved trainer is loaded."""
