"""Trainer of stage 1, which trains F alone with the flow losses (paper, Sec. 3.1 and 4)."""

from collections.abc import Collection, Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf.features.network import FeatureNetwork
from gfla_tf.models import FlowFieldEstimator
from gfla_tf.training.batch import Batch, model_inputs, take_batch
from gfla_tf.training.trainer import Logs, Reference, StageTrainer, check_instance
from gfla_tf.training.updates import OptimizerLike, get_optimizers

STAGE1_WEIGHTS = {"correctness": 20.0, "regularization": 0.01}


@keras.saving.register_keras_serializable(package="gfla_tf")
class FlowTrainer(StageTrainer):
    """Trains the flow field estimator F.

        loss = 20 correctness + 0.01 regularization

    `fit` takes a dataset of batches, as the datasets of `gfla_tf.data` return them. A batch is a dict with

      * `source_image` and `target_image`, [B, H, W, 3], uint8 in 0..255 or float in [-1, 1];
      * `source_keypoints` and `target_keypoints`, [B, 18, 2] in (y, x), or `source_pose` and `target_pose`,
        [B, H, W, 18].

    The logs are `loss`, `correctness` and `regularization`.

    Args:
      flow_field_estimator: F, trained in place. If its `trainable` is False, a step computes the losses only.
      features: the frozen network whose features the losses compare, `gfla_tf.features.VGG19Features` or
        `gfla_tf.features.PartFeatures`.
      loss_weights: replaces some of the default weights, by name.
      heatmap_sigma: standard deviation in pixels of the pose maps rendered from keypoints; by default that of
        F.
      background: weight of the correctness outside the target person. If it is not 1, each batch needs
        `target_parts`, which SyntheticPeople has.

    Raises:
      ValueError: an argument is not valid, or `features` has no features for an attention layer of F.

    Example:

    ```python
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator
    from gfla_tf.training import FlowTrainer

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    features = VGG19Features("random", width_multiplier=1 / 16)  # or the path of torchvision's weights
    trainer = FlowTrainer(model.flow_field_estimator, features)
    trainer.compile("adam")
    trainer.fit(people.as_dataset("train", batch_size=2), steps_per_epoch=1, verbose=0)
    ```
    """

    default_weights = STAGE1_WEIGHTS

    def __init__(
        self,
        flow_field_estimator: FlowFieldEstimator,
        features: FeatureNetwork,
        loss_weights: Mapping[str, float] | None = None,
        heatmap_sigma: float | None = None,
        background: float = 1.0,
        **kwargs: Any,
    ):
        check_instance(flow_field_estimator, FlowFieldEstimator, "flow_field_estimator")
        if heatmap_sigma is None:
            heatmap_sigma = flow_field_estimator.heatmap_sigma
        attention_layers = flow_field_estimator.attention_layers
        super().__init__(features, attention_layers, loss_weights, heatmap_sigma, background, **kwargs)
        self.flow_field_estimator = flow_field_estimator
        self.built = True

    def compile(
        self,
        optimizer: OptimizerLike,
        jit_compile: bool = False,
        clip_norm: float | None = None,
        accumulation: int = 1,
        **kwargs: Any,
    ) -> None:
        """Configures the trainer for training.

        Args:
          optimizer: a Keras optimizer, its name, or its configuration (`keras.optimizers.serialize`).
          jit_compile: whether to compile the steps with XLA.
          clip_norm: gradients with a larger global norm, per optimizer, are scaled to this norm.
          accumulation: the number of equal parts of a batch that a step computes one after the other, in the
            memory of one part. The batch size must be a multiple of it.
          **kwargs: `run_eagerly`, `steps_per_execution` or `auto_scale_loss` of `keras.Model.compile`.

        Raises:
          ValueError: another argument, or an optimizer that was used for other variables.
        """
        self.compile_updates(
            get_optimizers({"optimizer": optimizer}), jit_compile, clip_norm, accumulation, kwargs
        )

    def optimized_variables(self, names: Collection[str]) -> dict[str, list[Any]]:
        return {"optimizer": self.flow_field_estimator.flow_variables}

    def losses_of_updates(self, names: Collection[str]) -> dict[str, list[str]]:
        return {"loss": ["optimizer"]}

    @property
    def networks(self) -> dict[str, keras.Model]:
        return {"F": self.flow_field_estimator}

    def call(self, batch: Batch, training: bool | None = None) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns the flows and masks of F, coarse to fine."""
        return self.flow_field_estimator(model_inputs(batch, self.heatmap_sigma))

    def train_step(self, data: Any) -> Logs:
        batch = take_batch(data)
        half_step, mask_means = self.half_step("loss"), self.mask_means(batch)
        gradients, terms = self.in_parts(
            lambda part: self.half_step_gradients("loss", part, mask_means),
            batch,
            half_step,
            self.loss_weights,
        )
        half_step.apply(gradients, terms)
        self.count_step()
        return self.report(batch, terms)

    def half_step_gradients(
        self, loss: str, batch: Batch, mask_means: list[tf.Tensor | None] | None = None
    ) -> tuple[list[list[tf.Tensor]], dict[str, tf.Tensor]]:
        reference = self.reference(batch, perceptual=False)
        with tf.GradientTape() as tape:
            flows, _ = self(batch, training=True)
            terms = self.stage_losses(batch, reference, flows, mask_means)
            total = self.weighted(terms)
        return self.half_step(loss).gradients(tape, total, self.share), self.shares(terms)

    def test_step(self, data: Any) -> Logs:
        batch = self.test_batch(data)
        flows, _ = self(batch, training=False)
        reference, mask_means = self.reference(batch, perceptual=False), self.mask_means(batch)
        logs = self.report(batch, self.stage_losses(batch, reference, flows, mask_means))
        return {**logs, **self.report_flow_error(batch, flows[-1])}

    def stage_losses(
        self,
        batch: Batch,
        reference: Reference,
        flows: list[tf.Tensor],
        mask_means: list[tf.Tensor | None] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Returns the losses by name."""
        return {
            "correctness": self.correctness(batch, reference, flows, mask_means),
            "regularization": self.regularization(flows),
        }

    def pictures(self, batch: Batch) -> dict[str, Any]:
        """Returns the outputs for `gfla_tf.viz.sample_grid`."""
        inputs = model_inputs(batch, self.heatmap_sigma)
        flows, masks = self.flow_field_estimator.infer("__call__", inputs)
        return {"flows": flows, "masks": masks}

    def checkpoint_networks(self) -> list[Any]:
        return self.flow_field_estimator.variables

    def get_config(self) -> dict[str, Any]:
        return {
            **self.base_config(),
            "flow_field_estimator": keras.saving.serialize_keras_object(self.flow_field_estimator),
        }
