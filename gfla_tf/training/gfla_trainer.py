"""Stage 2: F, G and D together (paper, Sec. 3.2 and 4.1)."""

import keras
import tensorflow as tf

from gfla_tf import _compat, losses
from gfla_tf.losses.adversarial import MODES
from gfla_tf.training.batch import figure_weight, model_inputs, take_batch
from gfla_tf.training.trainer import StageTrainer

STAGE2_WEIGHTS = {
    "l1": 5.0,
    "correctness": 5.0,
    "regularization": 0.0025,
    "adversarial": 2.0,
    "content": 0.5,
    "style": 500.0,
}


@keras.saving.register_keras_serializable(package="gfla_tf")
class GFLATrainer(StageTrainer):
    """Each step: forward, update D on (real, detached fake), then F and G on the weighted sum of the losses.

    loss = 5 l1 + 5 correctness + 0.0025 regularization + 2 adversarial + 0.5 content + 500 style     Eq. 15

    Args:
      generator: `PersonImageGenerator`, F and G, trained in place.
      discriminator: D, trained in place.
      features: the frozen network whose features are compared, `gfla_tf.features.VGG19Features` or
        `PartFeatures`.
      loss_weights: replaces some of the default weights, by name.
      gan_mode: "lsgan", "vanilla" or "hinge".
      heatmap_sigma: pixels, for batches whose poses are keypoints.
      background: weight of the correctness outside the target figure; below 1 the batches need
        `target_parts`.

    `compile(optimizer, discriminator_optimizer, flow_optimizer=None)`: `flow_optimizer` gives F a rate of its
    own (not under mixed_float16, where the two loss scales would drift apart: ValueError).
    Logs: loss, the six terms, discriminator.
    """

    default_weights = STAGE2_WEIGHTS

    def __init__(
        self,
        generator,
        discriminator,
        features,
        loss_weights=None,
        gan_mode="lsgan",
        heatmap_sigma=6.0,
        background=1.0,
        **kwargs,
    ):
        super().__init__(
            features,
            generator.attention_layers,
            loss_weights,
            heatmap_sigma,
            background,
            **kwargs,
        )
        if gan_mode not in MODES:
            raise ValueError(f"gan_mode must be one of {', '.join(MODES)}, got {gan_mode!r}")
        self.generator = generator
        self.discriminator = discriminator
        self.gan_mode = gan_mode
        self.trackers["discriminator"] = keras.metrics.Mean(name="discriminator")
        self.built = True

    def compile(self, optimizer, discriminator_optimizer, flow_optimizer=None, jit_compile=False, **kwargs):
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        if flow_optimizer is not None and _compat.scales_losses():
            raise ValueError("flow_optimizer and mixed_float16 exclude each other; use mixed_bfloat16")
        self.discriminator_optimizer = _compat.for_precision(discriminator_optimizer)
        self.flow_optimizer = flow_optimizer
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        f, g = self._generator_variables()
        if self.flow_optimizer is None:
            self.optimizer.build(f + g)
        else:
            self.optimizer.build(g)
            self.flow_optimizer.build(f)

    def _generator_variables(self):
        """The variables of F and of G that are trained."""
        g = self.generator.target_image_generator.trained_variables
        return list(self.generator.flow_field_estimator.trainable_variables), g

    def call(self, batch, training=None):
        return self.generator(model_inputs(batch, self.heatmap_sigma), training=training)

    def train_step(self, data):
        batch = take_batch(data)
        real = batch["target_image"]
        reference = self._reference(batch)
        with tf.GradientTape() as tape:
            outputs = self(batch, training=True)
            with tape.stop_recording():
                discriminator_loss = self._update_discriminator(real, outputs["image"])
            loss, terms = self.stage_losses(batch, reference, outputs, training=True)
            scaled = _compat.scaled_loss(self.optimizer, loss)
        self._update_generator(tape, scaled)
        return self.report(loss, {**terms, "discriminator": discriminator_loss})

    def test_step(self, data):
        batch = take_batch(data)
        outputs = self(batch, training=False)
        loss, terms = self.stage_losses(batch, self._reference(batch), outputs, training=False)
        terms["discriminator"] = self._discriminator_loss(
            batch["target_image"], outputs["image"], training=False
        )
        return {**self.report(loss, terms), **self.report_flow_error(batch, outputs["flows"][-1])}

    def pictures(self, batch):
        """What `gfla_tf.viz.sample_grid` draws of a batch."""
        return self.generator(model_inputs(batch, self.heatmap_sigma), return_attention=True)

    def checkpoint_networks(self):
        """The variables that a checkpoint of this stage must hold."""
        return [*self.generator.variables, *self.discriminator.variables]

    def checkpoint_optimizers(self):
        optimizers = [self.optimizer, self.discriminator_optimizer, self.flow_optimizer]
        return [optimizer for optimizer in optimizers if optimizer is not None]

    def _reference(self, batch):
        return self.feature_losses.reference(batch["source_image"], batch["target_image"], perceptual=True)

    def _update_discriminator(self, real, fake):
        variables = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            loss = self._discriminator_loss(real, tf.stop_gradient(fake), training=True)
            scaled = _compat.scaled_loss(self.discriminator_optimizer, loss)
        gradients = tape.gradient(scaled, variables)
        _compat.apply_gradients(self.discriminator_optimizer, gradients, variables)
        return loss

    def _discriminator_loss(self, real, fake, training):
        terms = [
            losses.adversarial(self.discriminator(image, training=training), is_real, True, self.gan_mode)
            for image, is_real in ((real, True), (fake, False))
        ]
        return 0.5 * (terms[0] + terms[1])

    def stage_losses(self, batch, reference, outputs, training):
        image, flows = outputs["image"], outputs["flows"]
        logits = self.discriminator(image, training=training)
        content, style = self.feature_losses.content_and_style(reference, image)
        terms = {
            "l1": tf.reduce_mean(tf.abs(image - batch["target_image"])),
            "correctness": self.feature_losses.correctness(
                reference, flows, figure_weight(batch, self.background)
            ),
            "regularization": self.feature_losses.regularization(flows),
            "adversarial": losses.adversarial(logits, True, False, self.gan_mode),
            "content": content,
            "style": style,
        }
        return self.weighted(terms), terms

    def _update_generator(self, tape, scaled):
        f, g = self._generator_variables()
        if self.flow_optimizer is None:
            _compat.apply_gradients(self.optimizer, tape.gradient(scaled, f + g), f + g)
            return
        f_gradients, g_gradients = tape.gradient(scaled, [f, g])
        _compat.apply_gradients(self.flow_optimizer, f_gradients, f)
        _compat.apply_gradients(self.optimizer, g_gradients, g)

    def get_config(self):
        return {
            **self.base_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "gan_mode": self.gan_mode,
        }
