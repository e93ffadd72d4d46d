"""Builds the model, the feature network and the trainers of a configuration."""

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gfla_tf.commands import TORCHVISION_VGG19
from gfla_tf.config import Config, FlowTrainingConfig, GFLATrainingConfig
from gfla_tf.console import clock, echo
from gfla_tf.errors import InputError
from gfla_tf.features import PartFeatures, VGG19Features
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.files import atomic_path
from gfla_tf.files.temporary import check_space
from gfla_tf.models import FlowFieldEstimator, PersonImageGenerator, ResDiscriminator
from gfla_tf.models.archive import load_network
from gfla_tf.models.network import Network
from gfla_tf.training.batch import take_batch
from gfla_tf.training.flow_trainer import STAGE1_WEIGHTS, FlowTrainer
from gfla_tf.training.fused_adam import FusedAdam
from gfla_tf.training.gfla_trainer import STAGE2_WEIGHTS, GFLATrainer
from gfla_tf.training.schedules import WarmupDecay
from gfla_tf.training.sources import Source, SyntheticSource
from gfla_tf.weight_files.write import weights_file_size

_CALIBRATION_BATCHES = 16
_NOT_IN_WEIGHTS = ("name", "dtype", "image_size", "heatmap_sigma", "initial_gain")


def check_settings(config: Config, source: Source) -> None:
    """Checks settings that depend on each other or on the source.

    Raises:
      InputError: settings that exclude each other, or that the source does not support.
    """
    synthetic = isinstance(source, SyntheticSource)
    if config.features.kind == "parts" and not synthetic:
        raise InputError("features.kind=parts needs the part labels of the synthetic source; use vgg19")
    if config.features.kind == "vgg19" and config.features.weights is None:
        raise InputError(
            f"features.weights is required: the path of torchvision's {TORCHVISION_VGG19}, which the paper "
            "uses, or imagenet for Keras's VGG19, whose losses differ"
        )
    if config.batch_size % config.accumulation:
        raise InputError(
            f"batch_size must be a multiple of accumulation={config.accumulation}, got {config.batch_size}"
        )
    for name in ("min_delta", "min_epochs"):
        if config.stage1.patience is None and getattr(config.stage1, name):
            raise InputError(f"stage1.{name} needs stage1.patience, without which no stage ends early")
    for name, stage in (("stage1", config.stage1), ("stage2", config.stage2)):
        if stage.background != 1 and not synthetic:
            raise InputError(f"{name}.background must be 1: only the synthetic source has part labels")
        if stage.schedule != "cosine" and stage.final_learning_rate is None:
            raise InputError(f"{name}.schedule={stage.schedule} needs {name}.final_learning_rate")
        steps = stage.epochs * stage.steps_per_epoch
        if stage.epochs and stage.warmup_steps >= steps:
            raise InputError(f"{name}.warmup_steps must be less than the {steps} steps of the stage")
        logs = _logs(STAGE1_WEIGHTS if name == "stage1" else (*STAGE2_WEIGHTS, "discriminator"), synthetic)
        if stage.best_by not in logs:
            raise InputError(f"{name}.best_by must be one of {', '.join(logs)}, got {stage.best_by!r}")


def build_model(config: Config, source: Source) -> PersonImageGenerator:
    """Builds a new person image generator for the images and pose maps of a source.

    Raises:
      InputError: invalid `model.overrides`, or an image size that the model does not support.
    """
    overrides = {"heatmap_sigma": source.heatmap_sigma, **config.model.overrides}
    try:
        return PersonImageGenerator.from_preset(config.model.preset, load_weights=False, **overrides)
    except (TypeError, ValueError) as error:
        raise InputError(f"invalid model.overrides: {error}") from error


def build_features(config: Config, source: Source, path: Path | None = None) -> FeatureNetwork:
    """Builds the feature network of the losses.

    Part features are trained, and Keras's VGG19 is calibrated, on the training data of the source.

    Args:
      config: the configuration, checked; `config.features` describes the network.
      source: the source, prepared.
      path: a `.weights.h5` file. The weights are read from it if it exists, and saved to it if they were
        trained or calibrated here.

    Raises:
      InputError: the weights cannot be read, or their training diverged.
    """
    settings = config.features
    parts = settings.kind == "parts"
    if parts:
        features = PartFeatures(settings.width, len(source.dataset.part_names), seed=config.seed)
    else:
        features = VGG19Features(
            settings.weights,
            vgg_input=settings.vgg_input,
            width_multiplier=settings.width_multiplier,
            seed=config.seed,
        )
    if not parts and not features.needs_calibration:
        return features
    if path is not None and path.exists():
        try:
            features.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{path} cannot be read ({error}); delete it to train the features again"
            ) from error
        return features
    (_train_parts if parts else _calibrate)(features, config, source)
    if not all(np.isfinite(weight).all() for weight in features.get_weights()):
        raise InputError("the features diverged: a weight became NaN or infinite; try another seed")
    if path is not None:
        with atomic_path(path) as temporary:
            check_space(path.parent, weights_file_size(features.get_weights()))
            features.save_weights(temporary)
    return features


def build_trainers(
    config: Config, features: FeatureNetwork, model: PersonImageGenerator
) -> tuple[FlowTrainer, GFLATrainer]:
    """Builds and compiles the trainers of both stages, which share the model.

    The second trainer has a new discriminator.

    Raises:
      InputError: the feature network has no features for an attention layer of the model.
    """
    stage1, stage2 = config.stage1, config.stage2
    sigma = model.heatmap_sigma
    try:
        flow_trainer = FlowTrainer(
            model.flow_field_estimator, features, _weights(stage1, STAGE1_WEIGHTS), sigma, stage1.background
        )
    except ValueError as error:
        raise InputError(f"features.kind={config.features.kind} does not fit the model: {error}") from error
    flow_trainer.compile(
        _adam(stage1.learning_rate, stage1), config.jit_compile, stage1.clip_norm, config.accumulation
    )
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
    if flow_rate is None and stage2.freeze_flow_steps:  # F has an optimizer of its own
        flow_rate = stage2.learning_rate
    trainer.compile(
        _adam(stage2.learning_rate, stage2),
        FusedAdam(stage2.discriminator_learning_rate, beta_1=0.0, beta_2=0.999),
        None if flow_rate is None else _adam(flow_rate, stage2, stage2.freeze_flow_steps),
        config.jit_compile,
        stage2.clip_norm,
        config.accumulation,
    )
    return flow_trainer, trainer


def load_initial_weights(
    config: Config, model: PersonImageGenerator, discriminator: ResDiscriminator
) -> None:
    """Loads `model.weights` and `model.discriminator_weights`, if given.

    Args:
      config: the configuration. `model.weights` is a `.keras` file of F and G, or of F only; G is then new.
      model: F and G, changed in place.
      discriminator: D, changed in place.

    Raises:
      InputError: a file cannot be read, or contains another network than the configuration describes.
        Nothing is changed then.
    """
    pairs = []
    if config.model.weights is not None:
        loaded = load_network(config.model.weights, [PersonImageGenerator, FlowFieldEstimator])
        flow_only = isinstance(loaded, FlowFieldEstimator)
        pairs.append((config.model.weights, loaded, model.flow_field_estimator if flow_only else model))
    if config.model.discriminator_weights is not None:
        path = config.model.discriminator_weights
        pairs.append((path, load_network(path, [ResDiscriminator]), discriminator))
    for path, loaded, network in pairs:
        _check_same_arguments(path, loaded, network)
    for _, loaded, network in pairs:
        network.set_weights(loaded.get_weights())


def _train_parts(features: PartFeatures, config: Config, source: SyntheticSource) -> None:
    began = time.monotonic()
    arrays = source.dataset.as_arrays("train", 0, source.dataset.identities["train"])
    metrics = features.fit_parts(
        arrays["images"], arrays["parts"], steps=config.features.steps, seed=config.seed
    )
    accuracy = ", ".join(
        f"{name.removesuffix('_accuracy')} {value:.3f}"
        for name, value in metrics.items()
        if name.endswith("accuracy")
    )
    echo(f"part features trained in {clock(time.monotonic() - began)}; accuracy {accuracy}")


def _calibrate(features: VGG19Features, config: Config, source: Source) -> None:
    batches = source.local_batches(config.batch_size, seed=config.seed, parts=False)
    features.calibrate(
        np.asarray(take_batch(batch)["target_image"]) for batch in batches.take(_CALIBRATION_BATCHES)
    )


def _logs(losses: Iterable[str], synthetic: bool) -> list[str]:
    """Returns the names of the logs of a stage."""
    names = ["loss", *losses]
    return [*names, *(f"val_{name}" for name in names), *(["val_flow_error"] if synthetic else [])]


def _weights(stage: FlowTrainingConfig | GFLATrainingConfig, names: dict[str, float]) -> dict[str, float]:
    return {name: getattr(stage, name) for name in names}


def _adam(rate: float, stage: FlowTrainingConfig | GFLATrainingConfig, frozen_steps: int = 0) -> FusedAdam:
    """Adam with beta2 0.999 and the schedule of the stage, scaled if `rate` is not the rate of the stage.

    The optimizer does not count the steps in which its variables are frozen, so that it counts fewer of them.
    """
    total = max(stage.epochs * stage.steps_per_epoch - frozen_steps, stage.warmup_steps + 1)
    if rate > 0 and (stage.final_learning_rate is not None or stage.warmup_steps):
        final = stage.final_learning_rate
        if final is not None and rate != stage.learning_rate:
            final *= rate / stage.learning_rate
        rate = WarmupDecay(rate, final, total, stage.schedule, stage.warmup_steps)
    return FusedAdam(rate, beta_1=stage.beta_1, beta_2=0.999)


def _check_same_arguments(path: str, loaded: Network, network: Network) -> None:
    theirs, ours = loaded.get_config(), network.get_config()
    if isinstance(loaded, FlowFieldEstimator):  # the patch sizes are arguments of G
        for arguments in (theirs, ours):
            arguments["attention_layers"] = list(arguments["attention_layers"])
    different = [
        f"{name} is {theirs[name]}, not {ours[name]}"
        for name in ours
        if name not in _NOT_IN_WEIGHTS and theirs[name] != ours[name]
    ]
    if different:
        raise InputError(
            f"the network in {path} differs from the configuration: its {'; its '.join(different)}"
        )
