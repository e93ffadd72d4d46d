"""Trainer of stage 2, which trains F, G and D together (paper, Sec. 3.2 and 4.1)."""

import functools
from collections.abc import Collection, Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import losses
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.losses.adversarial import MODES
from gfla_tf.models import PersonImageGenerator, ResDiscriminator
from gfla_tf.training.batch import Batch, model_inputs, take_batch
from gfla_tf.training.trainer import Logs, Reference, StageTrainer, check_instance
from gfla_tf.training.updates import OptimizerLike, get_optimizers

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
    """Trains the person image generator (F and G) against the discriminator D.

        loss = 5 l1 + 5 correctness + 0.0025 regularization + 2 adversarial + 0.5 content + 500 style   Eq. 15

    Each step generates an image, updates D on the real and the generated image, and then updates F and G with
    the new D. `fit` takes the same batches as `FlowTrainer`. The logs are `loss`, its six terms, and
    `discriminator`, the loss of D.

    Args:
      generator: F and G, trained in place.
      discriminator: D, trained in place. F, G or D are not changed if their `trainable` is False at
        `compile`; a frozen D still gives F and G its adversarial gradient.
      features: the frozen network whose features the losses compare, `gfla_tf.features.VGG19Features` or
        `gfla_tf.features.PartFeatures`.
      loss_weights: replaces some of the default weights, by name.
      gan_mode: "lsgan", "vanilla" or "hinge".
      heatmap_sigma: standard deviation in pixels of the pose maps rendered from keypoints; by default that of
        the generator.
      background: weight of the correctness outside the target person. If it is not 1, each batch needs
        `target_parts`, which SyntheticPeople has.

    Raises:
      ValueError: an argument is not valid, the generator and D have images of different channels, or
        `features` has no features for an attention layer.

    Example:

    ```python
    import keras

    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator, ResDiscriminator
    from gfla_tf.training import GFLATrainer

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    discriminator = ResDiscriminator.from_preset("synthetic", load_weights=False)
    features = VGG19Features("random", width_multiplier=1 / 16)  # or the path of torchvision's weights
    trainer = GFLATrainer(model, discriminator, features)
    trainer.compile("adam", keras.optimizers.Adam(1e-5))
    trainer.fit(people.as_dataset("train", batch_size=2), steps_per_epoch=1, verbose=0)
    ```
    """

    default_weights = STAGE2_WEIGHTS

    def __init__(
        self,
        generator: PersonImageGenerator,
        discriminator: ResDiscriminator,
        features: FeatureNetwork,
        loss_weights: Mapping[str, float] | None = None,
        gan_mode: str = "lsgan",
        heatmap_sigma: float | None = None,
        background: float = 1.0,
        **kwargs: Any,
    ):
        check_instance(generator, PersonImageGenerator, "generator")
        check_instance(discriminator, ResDiscriminator, "discriminator")
        channels = generator.target_image_generator.image_channels
        if discriminator.image_channels != channels:
            raise ValueError(
                f"discriminator must have {channels} image channels as the generator, got "
                f"{discriminator.image_channels}"
            )
        if heatmap_sigma is None:
            heatmap_sigma = generator.heatmap_sigma
        attention_layers = generator.attention_layers
        super().__init__(features, attention_layers, loss_weights, heatmap_sigma, background, **kwargs)
        if gan_mode not in MODES:
            raise ValueError(f"gan_mode must be one of {', '.join(MODES)}, got {gan_mode!r}")
        self.generator = generator
        self.discriminator = discriminator
        self.gan_mode = gan_mode
        self.trackers["discriminator"] = keras.metrics.Mean(name="discriminator")
        self.built = True

    def compile(
        self,
        optimizer: OptimizerLike,
        discriminator_optimizer: OptimizerLike,
        flow_optimizer: OptimizerLike | None = None,
        jit_compile: bool = False,
        clip_norm: float | None = None,
        accumulation: int = 1,
        **kwargs: Any,
    ) -> None:
        """Configures the trainer for training.

        Each optimizer is an instance, a name, or a configuration (`keras.optimizers.serialize`).

        Args:
          optimizer: updates F and G.
          discriminator_optimizer: updates D.
          flow_optimizer: updates F instead of `optimizer`, for example with another learning rate.
          jit_compile: whether to compile the steps with XLA.
          clip_norm: gradients with a larger global norm, per optimizer, are scaled to this norm.
          accumulation: the number of equal parts of a batch that a step computes one after the other, in the
            memory of one part. The batch size must be a multiple of it.
          **kwargs: `run_eagerly`, `steps_per_execution` or `auto_scale_loss` of `keras.Model.compile`.

        Raises:
          ValueError: another argument, the same instance is given twice or was used for other variables, or
            `optimizer` and `flow_optimizer` scale the loss in different ways.
        """
        given = {"optimizer": optimizer, "discriminator_optimizer": discriminator_optimizer}
        if flow_optimizer is not None:
            given["flow_optimizer"] = flow_optimizer
        optimizers = get_optimizers(given)
        self.flow_optimizer = optimizers.get("flow_optimizer")
        self.compile_updates(optimizers, jit_compile, clip_norm, accumulation, kwargs)

    def optimized_variables(self, names: Collection[str]) -> dict[str, list[Any]]:
        f = list(self.generator.flow_field_estimator.trainable_variables)
        g = self.generator.target_image_generator.trained_variables
        d = self.discriminator.trainable_variables
        if "flow_optimizer" in names:
            return {"optimizer": g, "discriminator_optimizer": d, "flow_optimizer": f}
        return {"optimizer": f + g, "discriminator_optimizer": d}

    def losses_of_updates(self, names: Collection[str]) -> dict[str, list[str]]:
        generator = [name for name in names if name != "discriminator_optimizer"]
        return {"discriminator": ["discriminator_optimizer"], "loss": generator}

    def state_of_losses(self) -> list[Any]:
        return self.discriminator.power_vectors if self.discriminator.trainable else []

    @property
    def networks(self) -> dict[str, keras.Model]:
        f, g = self.generator.flow_field_estimator, self.generator.target_image_generator
        return {"F": f, "G": g, "D": self.discriminator}

    def call(self, batch: Batch, training: bool | None = None) -> dict[str, Any]:
        """Returns the image, flows and masks of the generator."""
        return self.generator(model_inputs(batch, self.heatmap_sigma), training=training)

    def train_step(self, data: Any) -> Logs:
        batch = take_batch(data)
        terms = self._step(batch) if self.accumulation == 1 else self._step_in_parts(batch)
        self.count_step()
        return self.report(batch, terms)

    def _step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Updates D, and then F and G with the gradients of the same images; returns the losses."""
        reference, mask_means = self.reference(batch, perceptual=True), self.mask_means(batch)
        with tf.GradientTape() as tape:
            outputs = self(batch, training=True)
            with tape.stop_recording():
                discriminator_loss = self._update_discriminator(batch["target_image"], outputs["image"])
            half_step = self.half_step("loss")
            before = half_step.snapshot()
            terms = self.stage_losses(batch, reference, outputs, True, mask_means)
            loss = self.weighted(terms)
        half_step.apply(half_step.gradients(tape, loss), terms, before)
        return {**terms, "discriminator": discriminator_loss}

    def _step_in_parts(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Does the same as `_step`; the images of each part are generated for each of the two updates."""
        discriminator_loss = self._update_discriminator_in_parts(batch)
        half_step, mask_means = self.half_step("loss"), self.mask_means(batch)
        before = half_step.snapshot()
        self.discriminator.iterate()
        of_part = functools.partial(self._generator_gradients, training=False, mask_means=mask_means)
        gradients, terms = self.in_parts(of_part, batch, half_step, self.loss_weights)
        half_step.apply(gradients, terms, before)
        return {**terms, "discriminator": discriminator_loss}

    def half_step_gradients(
        self, loss: str, batch: Batch
    ) -> tuple[list[list[tf.Tensor]], dict[str, tf.Tensor]]:
        if loss == "loss":
            return self._generator_gradients(batch, True)
        return self._discriminator_gradients(batch["target_image"], self(batch, training=True)["image"])

    def _generator_gradients(self, batch, training, mask_means=None):
        reference = self.reference(batch, perceptual=True)
        with tf.GradientTape() as tape:
            outputs = self(batch, training=True)
            terms = self.stage_losses(batch, reference, outputs, training, mask_means)
            loss = self.weighted(terms)
        return self.half_step("loss").gradients(tape, loss, self.share), self.shares(terms)

    def test_step(self, data: Any) -> Logs:
        batch = self.test_batch(data)
        outputs = self(batch, training=False)
        reference, mask_means = self.reference(batch, perceptual=True), self.mask_means(batch)
        terms = self.stage_losses(batch, reference, outputs, False, mask_means)
        terms["discriminator"] = self._discriminator_loss(batch["target_image"], outputs["image"], False)
        return {**self.report(batch, terms), **self.report_flow_error(batch, outputs["flows"][-1])}

    def stage_losses(
        self,
        batch: Batch,
        reference: Reference,
        outputs: dict[str, Any],
        training: bool,
        mask_means: list[tf.Tensor | None] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Returns the losses of F and G (Eq. 15) by name."""
        image, flows = outputs["image"], outputs["flows"]
        logits = self._discriminate(image, training)
        content, style = self.content_and_style(reference, image)
        return {
            "l1": tf.reduce_mean(tf.abs(image - batch["target_image"])),  # Eq. 11
            "correctness": self.correctness(batch, reference, flows, mask_means),
            "regularization": self.regularization(flows),
            "adversarial": losses.adversarial(logits, True, False, self.gan_mode),
            "content": content,
            "style": style,
        }

    def _update_discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        half_step = self.half_step("discriminator")
        before = half_step.snapshot()
        gradients, terms = self._discriminator_gradients(real, fake)
        half_step.apply(gradients, terms, before)
        return terms["discriminator"]

    def _discriminator_gradients(self, real, fake):
        with tf.GradientTape() as tape:
            loss = self._discriminator_loss(real, tf.stop_gradient(fake), training=True)
        return self.half_step("discriminator").gradients(tape, loss), {"discriminator": loss}

    def _update_discriminator_in_parts(self, batch: Batch) -> tf.Tensor:
        """Does the same as `_update_discriminator`: all real parts, then all generated ones."""
        half_step = self.half_step("discriminator")
        before = half_step.snapshot()

        def gradients(part, is_real):
            image = part["target_image"] if is_real else self(part, training=True)["image"]
            with tf.GradientTape() as tape:
                logits = self._discriminate(tf.stop_gradient(image), training=False)
                loss = 0.5 * losses.adversarial(logits, is_real, True, self.gan_mode)
            return half_step.gradients(tape, loss, self.share), self.shares({"discriminator": loss})

        sums = []
        for is_real in (True, False):
            self.discriminator.iterate()
            one = functools.partial(gradients, is_real=is_real)
            sums.append(self.in_parts(one, batch, half_step, ["discriminator"]))
        total, terms = tf.nest.map_structure(tf.add, *sums)
        half_step.apply(total, terms, before)
        return terms["discriminator"]

    def _discriminator_loss(self, real: tf.Tensor, fake: tf.Tensor, training: bool) -> tf.Tensor:
        terms = [
            losses.adversarial(self._discriminate(image, training), is_real, True, self.gan_mode)
            for image, is_real in ((real, True), (fake, False))
        ]
        return 0.5 * (terms[0] + terms[1])

    def _discriminate(self, image: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns the logits of D; a frozen D also keeps the state of its spectral normalization."""
        return self.discriminator(image, training=training and self.discriminator.trainable)

    def pictures(self, batch: Batch) -> dict[str, Any]:
        """Returns the outputs for `gfla_tf.viz.sample_grid`."""
        inputs = model_inputs(batch, self.heatmap_sigma)
        return self.generator.infer("__call__", inputs, return_attention=True)

    def checkpoint_networks(self) -> list[Any]:
        return [*self.generator.variables, *self.discriminator.variables]

    def get_config(self) -> dict[str, Any]:
        return {
            **self.base_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "gan_mode": self.gan_mode,
        }
