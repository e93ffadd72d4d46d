"""One training run: data source, model, features, trainers, stage 1, stage 2 and the saved models."""

import dataclasses
import functools
import logging
import os
import time
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gfla_tf import _compat
from gfla_tf.commands import argument, command
from gfla_tf.config import Config, FlowTrainingConfig, GFLATrainingConfig
from gfla_tf.console import clock, echo
from gfla_tf.data.pipeline import data_errors
from gfla_tf.models import PersonImageGenerator
from gfla_tf.training.build import (
    build_features,
    build_model,
    build_trainers,
    check_settings,
    load_initial_weights,
)
from gfla_tf.training.callbacks import (
    Checkpoint,
    ExponentialMovingAverage,
    FiniteGuard,
    Progress,
    StallGuard,
    StopOnSignal,
)
from gfla_tf.training.distribution import Distribution, comparable, open_distribution
from gfla_tf.training.epoch_log import EpochLog, trim_log
from gfla_tf.training.replay import save_step
from gfla_tf.training.run_folder import RunFolder, checkpoints_path
from gfla_tf.training.sources import Source, open_source
from gfla_tf.training.stage_callbacks import on_every_worker, stage_callbacks
from gfla_tf.training.trainer import StageTrainer
from gfla_tf.training.worker_folder import WorkerFolder

_log = logging.getLogger("gfla_tf")


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """The result of a run: the model, its dataset, and the run folder with the other files."""

    model: PersonImageGenerator
    dataset: Any
    folder: Path


def train(
    config: Config,
    folder: str | PathLike,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> TrainedRun:
    """Trains F, then F, G and D, and writes the results to a run folder.

    The folder contains config.yaml, run.json, features.weights.h5, stage1/ and stage2/ (each with log.csv,
    tensorboard/, samples/, checkpoints/ and best.keras), and at the end model.keras and discriminator.keras.
    With `ema`, model.keras has the averages of the weights, and model_raw.keras those of the last step.

    Args:
      config: the configuration.
      folder: the run folder: a new or empty folder, or, with `resume`, that of a run with the same
        configuration.
      resume: whether to continue from the last checkpoint, with the batches that an uninterrupted run would
        use; on a CPU, the results are the same bits. The number of epochs of a stage may be larger than
        before, unless a later stage has started.
      progress: called with the number of SyntheticPeople rendered so far and their total.

    With strategy=multiworker, every worker calls this function with the same arguments. Only the chief writes
    into the folder, which all of them must be able to read.

    Returns:
      A `TrainedRun`.

    Raises:
      InputError: the folder is in use, the data or weights are missing, the settings are invalid, or another
        worker has ended.
      KeyboardInterrupt: after Ctrl-C; within a stage, once its step is finished and saved.

    If a new run cannot begin, whatever the reason, its folder is removed again.
    """
    distribution = open_distribution(config)
    with (
        distribution.errors(),
        RunFolder(folder, config, resume) if distribution.is_chief else WorkerFolder(folder) as run,
    ):
        try:
            with data_errors():
                distribution.check_same("configuration and --resume", comparable(config), resume)
                keras.utils.set_random_seed(config.seed)
                source = open_source(config)
                check_settings(config, source)
                with _compat.dtype_policy(config.precision), distribution.scope():
                    model = build_model(config, source)
                source.prepare(progress)
                features = build_features(config, source, run.features_path)
                keras.utils.set_random_seed(config.seed)  # features that were read drew no random numbers
                with _compat.dtype_policy(config.precision), distribution.scope():
                    flow_trainer, trainer = build_trainers(config, distribution.copy(features), model)
                if not run.stage2_started:
                    load_initial_weights(config, model, trainer.discriminator)
                _log.info("training %s, with %s", _describe(model, config), features.description)
                run.record_images(source.images)
        except BaseException:
            if not resume:
                run.remove()
            raise

        began = time.monotonic()
        average = _fit(
            flow_trainer, "stage 1 (F)", run.stage("stage1"), config, config.stage1, source, distribution
        )
        average2 = _fit(
            trainer, "stage 2 (F, G, D)", run.stage("stage2"), config, config.stage2, source, distribution
        )
        distribution.close()
        run.save_model(model, "model.keras")
        if config.ema is not None:
            with (average2 if config.stage2.epochs else average).not_averaged():
                run.save_model(model, "model_raw.keras")
        run.save_model(trainer.discriminator, "discriminator.keras")
        seconds = time.monotonic() - began
        run.record_end(seconds)
    if distribution.is_chief:
        echo(f"trained in {clock(seconds)}; the model is {run.path / 'model.keras'}")
    return TrainedRun(model, source.dataset, run.path)


def _describe(model: PersonImageGenerator, config: Config) -> str:
    """Describes the networks and the data of a run, for its log."""
    parameters = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    overrides = " with model.overrides" if config.model.overrides else ""
    height, width = model.image_size
    data = config.data.source if config.data.root is None else f"{config.data.source} in {config.data.root}"
    return (
        f"F and G of model.preset={config.model.preset}{overrides} ({parameters:,} parameters), "
        f"{height} x {width} pixels (h x w), on data.source={data}"
    )


@data_errors()
def _fit(
    trainer: StageTrainer,
    label: str,
    folder: Path,
    config: Config,
    stage: FlowTrainingConfig | GFLATrainingConfig,
    source: Source,
    distribution: Distribution,
) -> ExponentialMovingAverage | None:
    """Trains one stage, from its newest readable checkpoint if there is one.

    Returns:
      The averages of the stage, which are in the model; None without `ema`.

    Raises:
      InputError: no checkpoint can be read, or a loss, a gradient or a weight is not finite.
    """
    shard = distribution.shard
    validation = source.validation_batches(config.batch_size, config.validation_batches, shard)
    outputs = folder if distribution.is_chief else distribution.scratch_folder
    log = EpochLog(os.fsencode(outputs / "log.csv"))
    write = functools.partial(save_step, trainer, config, source, folder) if distribution.is_chief else None
    guard = FiniteGuard(label, write)
    callbacks = [guard, log, *stage_callbacks(trainer, config, stage, outputs, next(iter(validation)))]
    checkpoint = Checkpoint(
        checkpoints_path(folder), config.checkpoint_every, config.keep_checkpoints, callbacks
    )
    epochs_done = checkpoint.restore(trainer)
    steps_done = int(trainer.steps_done.numpy())
    distribution.check_same("checkpoints in the run folder", steps_done)
    average = next((one for one in callbacks if isinstance(one, ExponentialMovingAverage)), None)
    if epochs_done >= stage.epochs or _has_ended(callbacks):
        if epochs_done and distribution.is_chief:
            echo(f"{label}  already trained ({epochs_done} epochs)")
        if average is not None:
            average.use_averages()  # as at the end of `fit`
        return average
    if distribution.is_chief:
        trim_log(folder / "log.csv", epochs_done)
    log.append = steps_done > 0
    callbacks += [checkpoint, Progress(label, stage.epochs, stage.steps_per_epoch, steps_done)]
    if not distribution.is_chief:
        callbacks = on_every_worker(callbacks)
    if config.stall_minutes is not None:
        advice = f"; to resume: {command('train', '--resume', '-o', argument(folder.parent))}"
        callbacks.append(StallGuard(config.stall_minutes, advice))
    validation_steps = None  # to the end of the dataset
    if distribution.strategy:
        available = -(-source.dataset.num_pairs("test") // config.batch_size)
        validation_steps = min(config.validation_batches, available)
    with StopOnSignal(checkpoint) as stop:
        for first, last, steps in _parts(epochs_done, checkpoint.epoch_steps, stage):
            start = int(trainer.steps_done.numpy())
            batches = source.training_batches(
                config.batch_size, config.seed, parts=stage.background != 1, start=start, shard=shard
            )
            trainer.fit(
                distribution.distribute(batches, config.batch_size),
                epochs=last,
                steps_per_epoch=steps,
                initial_epoch=first,
                validation_data=distribution.distribute(validation, config.batch_size),
                validation_steps=validation_steps,
                shuffle=False,
                verbose=0,
                callbacks=[*callbacks, stop],
            )
            if trainer.stop_training:
                break
    return average


def _has_ended(callbacks: list[keras.callbacks.Callback]) -> bool:
    """Returns whether a callback with a state `ended` has ended the stage."""
    return any(bool(getattr(callback, "ended", False)) for callback in callbacks)


def _parts(
    epochs_done: int, epoch_steps: int, stage: FlowTrainingConfig | GFLATrainingConfig
) -> Iterator[tuple[int, int, int]]:
    """Yields (first epoch, last epoch, steps of an epoch) of the calls of `fit` of the rest of a stage.

    The rest of an epoch that was interrupted has fewer steps than the epochs after it, so that it is a call
    of its own.
    """
    if epoch_steps:
        yield epochs_done, epochs_done + 1, stage.steps_per_epoch - epoch_steps
        epochs_done += 1
    if epochs_done < stage.epochs:
        yield epochs_done, stage.epochs, stage.steps_per_epoch
