"""The callbacks of a training stage in a run folder, made from its configuration."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import yaml

from gfla_tf.config import Config, FlowTrainingConfig, GFLATrainingConfig
from gfla_tf.training.callbacks import (
    BestModel,
    EarlyStop,
    ExponentialMovingAverage,
    FreezeFlow,
    SampleGrid,
    TensorBoardLog,
)
from gfla_tf.training.code_version import code_version
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
    average = None if config.ema is None else ExponentialMovingAverage(config.ema)
    return [
        *([] if average is None else [average]),
        *_schedule(stage),
        BestModel(folder / "best.keras", stage.best_by, average),
        SampleGrid(folder / "samples", batch, trainer.pictures, average),
        TensorBoardLog(
            folder / "tensorboard", config.log_every, batch, _texts(config), config.histograms, average
        ),
    ]


def on_every_worker(callbacks: Iterable[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of the workers other than the chief: those without a true `chief_only`."""
    return [one for one in callbacks if not getattr(one, "chief_only", False)]


def _schedule(stage: FlowTrainingConfig | GFLATrainingConfig) -> list[keras.callbacks.Callback]:
    """The callbacks that end stage 1, or that freeze F in stage 2."""
    if isinstance(stage, FlowTrainingConfig):
        if stage.patience is None:
            return []
        return [EarlyStop(stage.patience, stage.min_delta, stage.min_epochs)]
    return [FreezeFlow(stage.freeze_flow_steps)] if stage.freeze_flow_steps else []


def _texts(config: Config) -> dict[str, str]:
    """The texts in TensorBoard."""
    settings = yaml.safe_dump(config.to_dict(), sort_keys=False)
    return {"configuration": f"```yaml\n{settings}```", "code": code_version()}
