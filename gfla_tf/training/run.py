"""A whole run: features, stage 1, stage 2 from its weights, and the folder that holds all of it."""

import dataclasses
import logging
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gfla_tf import _compat
from gfla_tf.config import Config
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.models import PersonImageGenerator
from gfla_tf.training.build import build_model, build_trainers, check_settings
from gfla_tf.training.callbacks import Checkpoint, Progress, SampleGrid, TensorBoardLog, clock, trim_log
from gfla_tf.training.feature_networks import prepare_features
from gfla_tf.training.initial_weights import load_initial_weights
from gfla_tf.training.run_folder import RunFolder
from gfla_tf.training.sources import open_source

_log = logging.getLogger("gfla_tf")


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """What a run made: the model, the dataset it was trained on, and the folder that holds the rest."""

    model: PersonImageGenerator
    dataset: Any
    folder: Path


def train(config: Config, folder, resume=False):
    """Trains F, then F, G and D, and writes everything into a run folder.

    The folder gets config.yaml, run.json, features.weights.h5, stage1/ and stage2/ (log.csv, tensorboard/,
    samples/, checkpoint.npz), and at the end model.keras and discriminator.keras.

    Args:
      config: the resolved configuration.
      folder: where to write; must not exist, be empty, or, with `resume`, hold a run of this configuration.
      resume: goes on after the last finished epoch. The order of the batches from there on is drawn anew. The
        epochs of a stage may have grown since, unless a later stage has begun from its weights.

    Returns:
      A `TrainedRun`.

    Raises:
      InputError: a folder that is somebody else's, data or weights that are not there, settings that do not
        go together; the folder is then left as it was.
    """
    run = RunFolder(folder, config, resume)
    try:
        with data_errors():
            source, model, flow_trainer, trainer = _prepare(config, run)
            run.note_images(source.images)
    except InputError:
        if not resume:
            run.abandon()
        raise
    began = time.monotonic()
    _fit(flow_trainer, "stage 1 (F)", run.stage("stage1"), config, config.stage1, source)
    _fit(trainer, "stage 2 (F, G, D)", run.stage("stage2"), config, config.stage2, source)
    run.save_model(model, "model.keras")
    run.save_model(trainer.discriminator, "discriminator.keras")
    run.finish(seconds=time.monotonic() - began)
    print(
        f"trained in {clock(time.monotonic() - began)}; the model is {run.path / 'model.keras'}", flush=True
    )
    return TrainedRun(model, source.dataset, run.path)


def _prepare(config, run):
    """(source, model, FlowTrainer, GFLATrainer): all that can be found wrong is found here."""
    keras.utils.set_random_seed(config.seed)
    source = open_source(config)
    check_settings(config, source)
    with _compat.dtype_policy(config.precision):
        model = build_model(config, source)
    source.prepare(_drawing_progress)
    features = prepare_features(config, source, run)
    with _compat.dtype_policy(config.precision):
        trainers = build_trainers(config, features, model)
    if not (run.path / "stage2" / "checkpoint.npz").exists():
        load_initial_weights(config, model, trainers[1].discriminator)
    _log.info("training %s with %s", config.model.preset, features.description)
    return source, model, *trainers


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
    trim_log(folder / "log.csv", done)
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
    finite = all(np.isfinite(np.asarray(variable)).all() for variable in trainer.checkpoint_networks())
    if trainer.stop_training or not finite:
        raise InputError(
            f"{label} diverged: its loss or weights became NaN or infinite; begin a new run with a lower "
            "learning rate, or try again from the last good epoch with --resume"
        )


def _drawing_progress(done, total):
    if done == total or sys.stdout.isatty():
        end = "\n" if done == total else "\r"
        print(f"drawing SyntheticPeople  {done}/{total} people", end=end, flush=True)
