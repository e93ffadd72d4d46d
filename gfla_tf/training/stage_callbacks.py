"""The callbacks of a training stage in a run folder, made from its configuration."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from gfla_tf.config import Config, FlowTrainingConfig, GFLATrainingConfig
from gfla_tf.training.callbacks import SampleGrid, TensorBoardLog
from gfla_tf.training.trainer import StageTrainer


def stage_callbacks(
    trainer: StageTrainer,
    config: Config,
    stage: FlowTrainingConfig | GFLATrainingConfig,
    folder: Path,
    batch: dict[str, Any],
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a stage, except its log.csv, checkpoints and progress.

    Args:
      trainer: the trainer of the stage, compiled.
      config: the configuration of the run.
      stage: the settings of the stage.
      folder: the folder of the stage, with its subfolder `samples`.
      batch: the batch of the sample images.
    """
    return [
        TensorBoardLog(folder / "tensorboard"),
        SampleGrid(folder / "samples", batch, trainer.pictures),
    ]


def on_every_worker(callbacks: Iterable[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of the workers other than the chief: those without a true `chief_only`."""
    return [one for one in callbacks if not getattr(one, "chief_only", False)]
