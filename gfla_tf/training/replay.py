"""Saving the step whose values were not finite, and computing it again."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.commands import argument, command
from gfla_tf.config import Config
from gfla_tf.errors import InputError
from gfla_tf.features import PartFeatures, VGG19Features
from gfla_tf.features.network import FeatureNetwork
from gfla_tf.training.batch import Batch, take_batch
from gfla_tf.training.build import build_model, build_trainers
from gfla_tf.training.failure_file import StepRecord, read_record, write_record
from gfla_tf.training.not_finite import first_operation
from gfla_tf.training.sources import Source
from gfla_tf.training.trainer import StageTrainer

_NUMBERS = "biuf"  # kinds of the dtypes of a batch that are saved


def save_step(
    trainer: StageTrainer, config: Config, source: Source, folder: Path, steps: int, term: str
) -> str:
    """Writes the batch of a step and the weights of the trainer to a file, for `replay`.

    Args:
      trainer: the trainer of the stage, in the state before the step.
      config: the configuration of the run.
      source: the data source of the run.
      folder: the folder of the stage, stage1/ or stage2/; the file is its `failure_step_N.npz`.
      steps: the number of steps before it.
      term: the value that was not finite.

    With a data service, whose batches arrive in any order, the batch is unknown, and nothing is written.

    Returns:
      The end of a sentence, with the command that computes the step again.
    """
    if source.service is not None:
        return "; its batch came from data.service and is unknown, so that no file for --replay is written"
    stage = getattr(config, folder.name)
    batches = source.training_batches(config.batch_size, config.seed, stage.background != 1, start=steps)
    batch = {name: np.asarray(value) for name, value in next(iter(batches)).items()}
    arrays = {f"batch/{name}": value for name, value in batch.items() if value.dtype.kind in _NUMBERS}
    for group, variables in _groups(trainer).items():
        arrays |= {f"{group}/{i}": _compat.tf_variable(one).numpy() for i, one in enumerate(variables)}
    loss = trainer.half_step(_loss_of(trainer, term))
    features = trainer.features
    record = StepRecord(
        config=config,
        stage=folder.name,
        step=steps + 1,
        term=term,
        num_parts=features.num_parts if isinstance(features, PartFeatures) else 1,
        heatmap_sigma=trainer.heatmap_sigma,
        loss_scale=float(loss.loss_scale.value()),
        arrays=arrays,
    )
    path = folder / f"failure_step_{record.step}.npz"
    write_record(path, record)
    return f"; to find the first operation: {command('train', '--replay', argument(path))}"


def replay(path: str | PathLike) -> list[str]:
    """Computes a saved step again and describes it.

    Only the half-step that failed is computed, with the saved weights: that of D, or that of F and G.

    Args:
      path: a file of `save_step`. It is not trusted.

    Returns:
      Lines: the step, every loss, the norm of each network's gradients, and the first weight, input or
      operation that is not finite.

    Raises:
      InputError: the file cannot be read, or does not fit the networks of its configuration.
    """
    record = read_record(path)
    trainer, image_size = _trainer(record, path)
    batch = _batch(record, image_size, path)
    loss = _loss_of(trainer, record.term)
    vectors = [_compat.tf_variable(one).numpy() for one in trainer.state_of_losses()]
    with _fitting(path):
        gradients, terms = trainer.half_step_gradients(loss, batch)
    verb = "were" if record.term.startswith("gradients") else "was"
    lines = [f"{record.stage}, step {record.step}: the {record.term} {verb} not finite"]
    lines += [f"loss {name:<15} {float(term):.6g}" for name, term in terms.items()]
    by_variable = {}
    for update, group in zip(trainer.half_step(loss).updates, gradients, strict=True):
        for variable, gradient in zip(update.variables, group, strict=True):
            if gradient is not None:
                by_variable[id(variable)] = gradient / record.loss_scale
    for name, network in trainer.networks.items():
        own = [by_variable[id(one)] for one in network.trainable_variables if id(one) in by_variable]
        if own:
            lines.append(f"gradient norm of {name}   {float(tf.linalg.global_norm(own)):.6g}")
    for variable, value in zip(trainer.state_of_losses(), vectors, strict=True):
        variable.assign(value)
    return [*lines, _first(trainer, batch, loss)]


def _first(trainer: StageTrainer, batch: Batch, loss: str) -> str:
    """Describes the first weight, input or operation that is not finite."""
    for name, network in trainer.networks.items():
        for variable in network.variables:
            if not np.isfinite(_compat.tf_variable(variable).numpy()).all():
                path = getattr(variable, "path", variable.name)
                return f"the first value that is not finite: weight {path} of {name}"
    for name, value in batch.items():
        if value.dtype.is_floating and not np.isfinite(value.numpy()).all():
            return f"the first value that is not finite: {name} of the batch"
    found = first_operation(lambda: trainer.half_step_gradients(loss, batch))
    if found is None:
        return "every value is finite here: the device, XLA or another version computed it differently"
    return f"the first value that is not finite: {found}"


def _loss_of(trainer: StageTrainer, term: str) -> str:
    """Returns the name of the loss whose half-step a term of `Failure` belongs to."""
    for loss, half_step in trainer.optimizer_updates.half_steps.items():
        names = [f"gradients of {update.name}" for update in half_step.updates]
        if term in (*names, f"loss {loss}"):
            return loss
    return "loss"


def _groups(trainer: StageTrainer) -> dict[str, list[Any]]:
    return {"weights": list(trainer.checkpoint_networks()), "features": list(trainer.features.variables)}


def _trainer(record: StepRecord, path: str | PathLike) -> tuple[StageTrainer, tuple[int, int]]:
    """Builds the trainer of a record, with its weights, and returns it with the size of its images."""
    config = dataclasses.replace(record.config, jit_compile=False, accumulation=1, strategy="none")
    with _compat.dtype_policy(config.precision):
        model = build_model(config, SimpleNamespace(heatmap_sigma=record.heatmap_sigma))
        trainers = build_trainers(config, _features(record), model)
    trainer = trainers[("stage1", "stage2").index(record.stage)]
    for name, variables in _groups(trainer).items():
        _assign(variables, record.group(name), f"{path}: {name}")
    trainer.half_step(_loss_of(trainer, record.term)).loss_scale.set(record.loss_scale)
    return trainer, tuple(model.image_size)


def _features(record: StepRecord) -> FeatureNetwork:
    """Builds the feature network without reading files; its weights are in the record."""
    settings = record.config.features
    if settings.kind == "parts":
        return PartFeatures(settings.width, record.num_parts)
    return VGG19Features("random", vgg_input=settings.vgg_input, width_multiplier=settings.width_multiplier)


def _assign(variables: list[Any], arrays: Mapping[str, np.ndarray], where: str) -> None:
    names = [str(index) for index in range(len(variables))]
    if sorted(arrays) != sorted(names):
        raise InputError(f"{where} has {len(arrays)} arrays, but the networks have {len(names)} variables")
    for name, variable in zip(names, variables, strict=True):
        if arrays[name].shape != tuple(variable.shape) or arrays[name].dtype.kind not in _NUMBERS:
            raise InputError(
                f"{where}/{name} has shape {arrays[name].shape}, but the variable has {tuple(variable.shape)}"
            )
    for name, variable in zip(names, variables, strict=True):
        variable.assign(arrays[name])


def _batch(record: StepRecord, image_size: tuple[int, int], path: str | PathLike) -> Batch:
    """Returns the batch of a record, whose images have the size of the networks."""
    arrays = record.group("batch")
    size = record.config.batch_size
    if not all(one.ndim and len(one) == size and one.dtype.kind in _NUMBERS for one in arrays.values()):
        raise InputError(f"{path}: batch must have {size} examples, as batch_size of its configuration")
    for name in ("source_image", "target_image"):
        if name not in arrays or arrays[name].shape != (size, *image_size, 3):
            raise InputError(
                f"{path}: batch/{name} is not {size} images of {image_size[0]} x {image_size[1]}"
            )
    with _fitting(path):
        return take_batch({name: tf.constant(one) for name, one in arrays.items()})


@contextlib.contextmanager
def _fitting(path: str | PathLike) -> Iterator[None]:
    """Raises an `InputError` instead of errors of a batch whose arrays do not fit the networks."""
    try:
        yield
    except (ValueError, KeyError, TypeError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: the batch does not fit the networks of its configuration: {reason}"
        ) from error
