"""A whole run: features, stage 1, stage 2 from its weights, and the folder that holds all of it."""

import dataclasses
import logging
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gfla_tf import _compat
from gfla_tf.config import Config
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.models import PersonImageGenerator, ResDiscriminator
from gfla_tf.training.callbacks import Checkpoint, Progress, SampleGrid, TensorBoardLog, clock
from gfla_tf.training.feature_networks import prepare_features
from gfla_tf.training.flow_trainer import FlowTrainer
from gfla_tf.training.gfla_trainer import GFLATrainer
from gfla_tf.training.run_folder import RunFolder
from gfla_tf.training.sources import open_source

_log = logging.getLogger("gfla_tf")


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """What a run made: the model, the dataset it was trained on, and the folder that holds the rest."""

    model: PersonImageGenerator
    dataset: Any
    folder: Path


STAGE1_TERMS = ("correctness", "regularization")
STAGE2_TERMS = ("l1", "correctness", "regularization", "adversarial", "content", "style")


def train(config: Config, folder, resume=False):
    """Trains F, then F, G and D, and writes everything into a run folder.

    The folder gets config.yaml, run.json, features.weights.h5, stage1/ and stage2/ (log.csv, tensorboard/, samples/,
    checkpoint.npz), and at the end model.keras and discriminator.keras.

    Args:
      config: the resolved configuration.
      folder: where to write; must not exist, be empty, or, with `resume`, hold an unfinished run of this configuration.
      resume: goes on after the last finished epoch. The order of the batches from there on is drawn anew.

    Returns:
      A `TrainedRun`.

    Raises:
      InputError: a folder that is somebody else's, data or weights that are not there.
    """
    run = RunFolder(folder, config, resume)
    keras.utils.set_random_seed(config.seed)
    _compat.set_dtype_policy(config.precision)
    source = open_source(config)
    source.prepare(_drawing_progress)
    features = prepare_features(config, source, run)
    overrides = {"heatmap_sigma": source.heatmap_sigma, **config.model.overrides}
    model = PersonImageGenerator.from_preset(config.model.preset, **overrides)
    discriminator = ResDiscriminator.from_preset(config.model.preset)
    _log.info("training %s with %s", config.model.preset, features.description)

    began = time.monotonic()
    sigma = source.heatmap_sigma
    stage1, stage2 = config.stage1, config.stage2
    flow_trainer = FlowTrainer(
        model.flow_field_estimator, features, _weights(stage1, STAGE1_TERMS), sigma, stage1.background
    )
    flow_trainer.compile(_adam(stage1.learning_rate, stage1))
    _fit(flow_trainer, "stage 1 (F)", run.stage("stage1"), config, stage1, source)

    trainer = GFLATrainer(
        model,
        discriminator,
        features,
        _weights(stage2, STAGE2_TERMS),
        stage2.gan_mode,
        sigma,
        stage2.background,
    )
    flow_optimizer = None
    if stage2.flow_learning_rate is not None:
        flow_optimizer = _adam(stage2.flow_learning_rate, stage2)
    trainer.compile(
        _adam(stage2.learning_rate, stage2),
        keras.optimizers.Adam(stage2.discriminator_learning_rate, beta_1=0.0, beta_2=0.999),
        flow_optimizer,
    )
    _fit(trainer, "stage 2 (F, G, D)", run.stage("stage2"), config, stage2, source)

    run.save_model(model, "model.keras")
    run.save_model(discriminator, "discriminator.keras")
    run.finish(seconds=time.monotonic() - began)
    print(f"trained in {clock(time.monotonic() - began)}; the model is {run.path / 'model.keras'}", flush=True)
    return TrainedRun(model, source.dataset, run.path)


def _weights(stage, names):
    return {name: getattr(stage, name) for name in names}


def _adam(rate, stage):
    """Adam as the paper has it: beta1 0, beta2 0.999; at a constant rate unless the stage names a final one."""
    if stage.final_learning_rate is not None:
        share = stage.final_learning_rate / stage.learning_rate
        rate = keras.optimizers.schedules.CosineDecay(rate, stage.epochs * stage.steps_per_epoch, alpha=share)
    return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.999)


@data_errors()
def _fit(trainer, label, folder, config, stage, source):
    """One stage by `fit`, from its checkpoint where there is one."""
    checkpoint = Checkpoint(folder / "checkpoint.npz")
    checkpoint.set_model(trainer)
    done = checkpoint.restore()
    if done >= stage.epochs:
        if done:
            print(f"{label}  already trained ({done} epochs)", flush=True)
        return
    validation = source.validation_batches(config.batch_size, config.validation_batches)
    grid_batch = next(iter(validation))
    trainer.fit(
        source.training_batches(config.batch_size, seed=config.seed + done, parts=stage.background != 1),
        epochs=stage.epochs,
        steps_per_epoch=stage.steps_per_epoch,
        initial_epoch=done,
        validation_data=validation,
        shuffle=False,
        verbose=0,
        callbacks=[
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.CSVLogger(str(folder / "log.csv"), append=done > 0),
            TensorBoardLog(folder / "tensorboard"),
            SampleGrid(folder / "samples", grid_batch, trainer.pictures),
            checkpoint,
            Progress(label, stage.epochs, stage.steps_per_epoch, done),
        ],
    )
    if any(not np.isfinite(np.asarray(variable)).all() for variable in trainer.checkpoint_networks()):
        raise InputError(
            f"{label} diverged: the weights hold NaN or infinity; lower its learning_rate "
            f"and go on with --resume from the last good epoch"
        )


def _drawing_progress(done, total):
    end = "\n" if done == total else "\r"
    print(f"drawing SyntheticPeople  {done}/{total} people", end=end, flush=True)
