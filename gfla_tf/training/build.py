"""What a configuration asks for, built and checked before anything is trained: model and trainers."""

import keras

from gfla_tf.errors import InputError
from gfla_tf.models import PersonImageGenerator, ResDiscriminator
from gfla_tf.training.flow_trainer import STAGE1_WEIGHTS, FlowTrainer
from gfla_tf.training.gfla_trainer import STAGE2_WEIGHTS, GFLATrainer
from gfla_tf.training.sources import SyntheticSource


def check_settings(config, source):
    """Raises InputError for settings that exclude each other, or that the source cannot serve."""
    for name, stage in (("stage1", config.stage1), ("stage2", config.stage2)):
        if stage.background != 1 and not isinstance(source, SyntheticSource):
            raise InputError(f"{name}.background must be 1: only the synthetic source has part labels")
    if config.stage2.flow_learning_rate is not None and config.precision == "mixed_float16":
        raise InputError("stage2.flow_learning_rate and precision=mixed_float16 exclude each other")


def build_model(config, source):
    """A new person image generator for the images and pose maps of a source.

    Raises:
      InputError: `model.overrides` that no such model can have.
    """
    overrides = {"heatmap_sigma": source.heatmap_sigma, **config.model.overrides}
    try:
        model = PersonImageGenerator.from_preset(config.model.preset, load_weights=False, **overrides)
    except (TypeError, ValueError) as error:
        raise InputError(f"model.overrides make no model: {error}") from error
    layers = max(model.flow_field_estimator.encoder_layers, model.target_image_generator.num_layers)
    if any(side % 2**layers for side in source.dataset.image_size):
        height, width = source.dataset.image_size
        raise InputError(
            f"images of {height} x {width} (h x w) cannot be halved {layers} times; "
            f"model.overrides.image_size must be multiples of {2**layers}"
        )
    return model


def build_trainers(config, features, model):
    """(FlowTrainer, GFLATrainer), compiled, sharing the model; the latter has a new discriminator.

    Raises:
      InputError: a feature network without the layers that the model's flows are compared at.
    """
    stage1, stage2 = config.stage1, config.stage2
    sigma = model.heatmap_sigma
    try:
        flow_trainer = FlowTrainer(
            model.flow_field_estimator, features, _weights(stage1, STAGE1_WEIGHTS), sigma, stage1.background
        )
    except ValueError as error:
        raise InputError(f"features.kind={config.features.kind} does not fit the model: {error}") from error
    flow_trainer.compile(_adam(stage1.learning_rate, stage1))
    trainer = GFLATrainer(
        model,
        ResDiscriminator.from_preset(config.model.preset, load_weights=False),
        features,
        _weights(stage2, STAGE2_WEIGHTS),
        stage2.gan_mode,
        sigma,
        stage2.background,
    )
    flow_rate = stage2.flow_learning_rate
    trainer.compile(
        _adam(stage2.learning_rate, stage2),
        keras.optimizers.Adam(stage2.discriminator_learning_rate, beta_1=0.0, beta_2=0.999),
        None if flow_rate is None else _adam(flow_rate, stage2),
    )
    return flow_trainer, trainer


def _weights(stage, names):
    return {name: getattr(stage, name) for name in names}


def _adam(rate, stage):
    """Adam of the stage: beta1 0 and a constant rate, the paper's, unless it says otherwise; beta2 0.999."""
    if stage.final_learning_rate is not None:
        share = stage.final_learning_rate / stage.learning_rate
        steps = max(1, stage.epochs * stage.steps_per_epoch)
        rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=share)
    return keras.optimizers.Adam(rate, beta_1=stage.beta_1, beta_2=0.999)
