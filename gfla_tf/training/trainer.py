"""Base class of the two trainers: named losses, feature losses, optimizers and metrics."""

import typing
from collections.abc import Collection, Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat, arguments, losses
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.models.network_arguments import MAX_SIDE
from gfla_tf.ops.flow import resize_flow
from gfla_tf.training.batch import Batch, correctness_weight
from gfla_tf.training.distributed_model import DistributedModel
from gfla_tf.training.failure import Failure
from gfla_tf.training.half_step import HalfStep
from gfla_tf.training.updates import Update, Updates

Logs = dict[str, tf.Tensor]

_MAX_WEIGHT = 1e9
_MAX_NORM = 1e9
_COMPILE_OPTIONS = ("run_eagerly", "steps_per_execution", "auto_scale_loss")


class Reference(typing.NamedTuple):
    """Features of the real images, which do not depend on the trained networks."""

    source: dict[str, tf.Tensor]
    target: dict[str, tf.Tensor]
    best: list[tf.Tensor]  # mu_max (Eq. 3) of each attention layer, [B, h, w]


class StageTrainer(DistributedModel):
    """Base class of a training stage; `loss` is the sum of its named losses, each times its weight.

    Batches of SyntheticPeople that contain the true flow also report `flow_error` in `evaluate` (and
    `val_flow_error` in `fit`): the end-point error of the finest flow on visible pixels of the person,
    divided by that of zero flow.

    `steps_done`, an int64 tf.Variable, is the number of steps of `fit` so far. If a loss or gradient is not
    finite, its step and all later ones change nothing and are not counted; `failure` has its name.

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
        super().__init__(autocast=False, **kwargs)
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
        self.perceptual_layers = [*features.content_layers, *features.style_layers]
        self.loss_weights = {**self.default_weights, **(loss_weights or {})}
        self.heatmap_sigma = arguments.number("heatmap_sigma", heatmap_sigma, 0, MAX_SIDE, strict=True)
        self.background = arguments.number("background", background, 0, _MAX_WEIGHT)
        self.optimizer_updates = None  # before `compile`
        steps_done = tf.Variable(
            0, False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA, name="steps_done"
        )
        object.__setattr__(self, "steps_done", steps_done)  # not a weight of the files that `save` writes
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.loss_weights)}
        self.flow_error = keras.metrics.Mean(name="flow_error")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self.trackers.values(), self.flow_error]

    def optimized_variables(self, names: Collection[str]) -> dict[str, list[Any]]:
        """Returns the variables that each optimizer updates, for the `names` of the given optimizers."""
        raise NotImplementedError

    def losses_of_updates(self, names: Collection[str]) -> dict[str, list[str]]:
        """Returns for each loss the names of the optimizers of its gradients, in the order of the updates."""
        raise NotImplementedError

    def compile_updates(
        self,
        optimizers: dict[str, keras.optimizers.Optimizer],
        jit_compile: bool,
        clip_norm: float | None,
        options: Mapping[str, Any],
    ) -> None:
        """Compiles the trainer and sets one attribute per optimizer, and `optimizer_updates`.

        Args:
          optimizers: the optimizers by the names of their arguments, the first for `keras.Model.compile`.
          jit_compile: whether to compile the steps with XLA.
          clip_norm: the largest global norm of the gradients of each optimizer.
          options: other arguments of `keras.Model.compile`.

        Raises:
          ValueError: an option that has no effect here, an optimizer that was used for other variables, or
            optimizers that scale one loss in different ways.
        """
        if clip_norm is not None:
            arguments.number("clip_norm", clip_norm, 0, _MAX_NORM, strict=True)
        unused = [name for name in options if name not in _COMPILE_OPTIONS]
        if unused:
            raise ValueError(
                f"compile does not use {', '.join(unused)}: the losses and their loss_weights are arguments "
                f"of {type(self).__name__}"
            )
        first, *others = optimizers
        super().compile(optimizers[first], jit_compile=jit_compile, **options)
        optimizers = {first: self.optimizer, **{name: optimizers[name] for name in others}}
        for name in others:
            if options.get("auto_scale_loss", True):
                optimizers[name] = _compat.for_precision(optimizers[name])  # as Keras does with the first
            setattr(self, name, optimizers[name])
        self.optimizer_updates = Updates(
            optimizers,
            self.optimized_variables(optimizers),
            self.losses_of_updates(optimizers),
            [name for name in self.trackers if name != "loss"],
            clip_norm,
        )
        self.compile_options = {"jit_compile": jit_compile, "clip_norm": clip_norm, **options}

    def update_of(self, name: str) -> Update:
        """Returns the update of an optimizer by the name of its argument of `compile`."""
        return self.optimizer_updates.by_name[name]

    def half_step(self, loss: str) -> HalfStep:
        """Returns the updates of a loss by its name in `losses_of_updates`."""
        return self.optimizer_updates.half_steps[loss]

    @property
    def failure(self) -> Failure:
        """What records the first loss or gradient that is not finite."""
        return self.optimizer_updates.failure

    @property
    def gradient_norms(self) -> dict[str, tf.Variable]:
        """The global norm of each optimizer's gradients in the last step, before clipping, by name."""
        return {name: update.norm for name, update in self.optimizer_updates.by_name.items()}

    def count_step(self) -> None:
        """Adds 1 to `steps_done`, unless a value was not finite."""
        self.steps_done.assign_add(tf.cast(self.failure.is_none(), tf.int64))

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile`, with which Keras compiles a loaded trainer."""
        if self.optimizer_updates is None:
            return {}
        optimizers = {
            name: keras.saving.serialize_keras_object(update.optimizer)
            for name, update in self.optimizer_updates.by_name.items()
        }
        return {**optimizers, **self.compile_options}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the trainer with the result of `get_compile_config`.

        Files of earlier versions contain the arguments of `keras.Model.compile` instead, which lack some
        optimizers; such a trainer is loaded without being compiled.
        """
        if "loss" not in config:
            self.compile(**config)

    def checkpoint_networks(self) -> list[Any]:
        """Returns the variables of the trained networks."""
        raise NotImplementedError

    def checkpoint_optimizers(self) -> list[keras.optimizers.Optimizer]:
        """Returns the optimizers of `compile`."""
        return [update.optimizer for update in self.optimizer_updates.by_name.values()]

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains as `keras.Model.fit`; each `use_ema` optimizer finalizes the variables that it updates."""
        if self.optimizer_updates is None:
            return super().fit(*args, **kwargs)  # raises Keras's own error
        with self.optimizer_updates.finalized_by_keras():
            return super().fit(*args, **kwargs)

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

    def correctness(self, batch: Batch, reference: Reference, flows: list[tf.Tensor]) -> tf.Tensor:
        """Returns the sampling correctness (Eq. 3), summed over the attention layers."""
        weight = correctness_weight(batch, self.background)
        source, target, best = reference
        return tf.add_n(
            [
                losses.sampling_correctness(source[name], target[name], flow, weight, best=mu_max)
                for name, flow, mu_max in zip(self.correctness_layers, flows, best, strict=True)
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
        """Returns the sum of the terms, each times its weight."""
        return tf.add_n([self.loss_weights[name] * term for name, term in terms.items()])

    def report(self, batch: Batch, loss: tf.Tensor, terms: Mapping[str, tf.Tensor]) -> Logs:
        """Updates the metrics, weighted by the number of examples in the batch, and returns the logs."""
        examples = tf.shape(batch["source_image"])[0]
        for name, value in {"loss": loss, **terms}.items():
            self.trackers[name].update_state(value, sample_weight=examples)
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
