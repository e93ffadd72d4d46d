"""Stage 1: F alone learns to point at what looks like the target (paper, Sec. 3.1 and 4)."""

import keras
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.training.batch import figure_weight, model_inputs, take_batch
from gfla_tf.training.trainer import StageTrainer

STAGE1_WEIGHTS = {"correctness": 20.0, "regularization": 0.01}


@keras.saving.register_keras_serializable(package="gfla_tf")
class FlowTrainer(StageTrainer):
    """loss = 20 * correctness + 0.01 * regularization of the flows of F.

    Args:
      flow_field_estimator: F, trained in place.
      features: the frozen network whose features are compared, `gfla_tf.features.VGG19Features` or
        `PartFeatures`.
      loss_weights: replaces some of the default weights, by name.
      heatmap_sigma: pixels, for batches whose poses are keypoints.
      background: weight of the correctness outside the target figure; below 1 the batches need
        `target_parts`.

    `compile(optimizer)`, then `fit` on datasets of batches as `gfla_tf.data` makes them: source_image,
    target_image [B, H, W, 3] in [-1, 1] and source_keypoints, target_keypoints [B, 18, 2] or source_pose,
    target_pose [B, H, W, 18].
    Logs: loss, correctness, regularization.
    """

    default_weights = STAGE1_WEIGHTS

    def __init__(
        self,
        flow_field_estimator,
        features,
        loss_weights=None,
        heatmap_sigma=6.0,
        background=1.0,
        **kwargs,
    ):
        super().__init__(
            features,
            flow_field_estimator.attention_layers,
            loss_weights,
            heatmap_sigma,
            background,
            **kwargs,
        )
        self.flow_field_estimator = flow_field_estimator
        self.built = True

    def compile(self, optimizer, jit_compile=False, **kwargs):
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.optimizer.build(self.flow_field_estimator.flow_variables)

    def call(self, batch, training=None):
        return self.flow_field_estimator(model_inputs(batch, self.heatmap_sigma))

    def train_step(self, data):
        batch = take_batch(data)
        reference = self._reference(batch)
        variables = self.flow_field_estimator.flow_variables
        with tf.GradientTape() as tape:
            flows, _ = self(batch, training=True)
            loss, terms = self.stage_losses(batch, reference, flows)
            scaled = _compat.scaled_loss(self.optimizer, loss)
        _compat.apply_gradients(self.optimizer, tape.gradient(scaled, variables), variables)
        return self.report(loss, terms)

    def test_step(self, data):
        batch = take_batch(data)
        flows, _ = self(batch, training=False)
        logs = self.report(*self.stage_losses(batch, self._reference(batch), flows))
        return {**logs, **self.report_flow_error(batch, flows[-1])}

    def pictures(self, batch):
        """What `gfla_tf.viz.sample_grid` draws of a batch."""
        flows, masks = self(batch, training=False)
        return {"flows": flows, "masks": masks}

    def checkpoint_networks(self):
        """The variables that a checkpoint of this stage must hold."""
        return self.flow_field_estimator.variables

    def checkpoint_optimizers(self):
        return [self.optimizer]

    def _reference(self, batch):
        return self.feature_losses.reference(batch["source_image"], batch["target_image"], perceptual=False)

    def stage_losses(self, batch, reference, flows):
        terms = {
            "correctness": self.feature_losses.correctness(
                reference, flows, figure_weight(batch, self.background)
            ),
            "regularization": self.feature_losses.regularization(flows),
        }
        return self.weighted(terms), terms

    def get_config(self):
        return {
            **self.base_config(),
            "flow_field_estimator": keras.saving.serialize_keras_object(self.flow_field_estimator),
        }
