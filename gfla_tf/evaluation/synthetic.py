"""Evaluation of a person image generator on held-out pairs of SyntheticPeople."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.evaluation import metrics
from gfla_tf.evaluation.accumulators import AreaUnderCurve, ErrorStatistics
from gfla_tf.evaluation.baselines import GENERATED, baseline_images, mean_target
from gfla_tf.evaluation.classical import CLASSICAL_FLOWS, classical_flow
from gfla_tf.evaluation.result import ESTIMATED, IMAGE_METRICS, IMAGE_ROWS, ZERO_FLOW, EvaluationResult
from gfla_tf.models import PersonImageGenerator
from gfla_tf.ops.flow import resize_flow
from gfla_tf.synthetic import SyntheticPeople
from gfla_tf.viz import resize_map

MODEL_INPUTS = ("source_image", "source_pose", "target_pose")
"""The entries of a batch that are inputs of `PersonImageGenerator`."""

Generator = Callable[..., Mapping[str, tf.Tensor | list[tf.Tensor]]]
"""A `PersonImageGenerator`, or any function with its call signature and outputs."""


def repeated_call(model: Generator) -> Generator:
    """Returns the call of a model, for many batches: a network runs as a graph."""
    return functools.partial(model.infer, "__call__") if isinstance(model, PersonImageGenerator) else model


def evaluate_synthetic(
    model: Generator,
    dataset: SyntheticPeople,
    *,
    split: str = "test",
    pairs: int = 600,
    mean_image: np.ndarray | None = None,
    train_images_for_mean: int = 2000,
    batch_size: int = 20,
    classical: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Measures images, flows and masks on the first `pairs` pairs of a split, in its unshuffled order.

    `EvaluationResult` defines the metrics. Flow and mask are those of the finest layer, resized bilinearly to
    the image (flow values are scaled by the size ratio). Memory depends on `batch_size`, not on `pairs`.

    Args:
      model: a `PersonImageGenerator`, or a function that takes its inputs and `training=False` and returns
        its outputs.
      dataset: the dataset.
      split: the split's name.
      pairs: number of pairs.
      mean_image: float32 [H, W, 3] in [-1, 1]. If None, the mean of `train_images_for_mean` targets of the
        training split is computed.
      train_images_for_mean: number of images that the mean image averages.
      batch_size: number of pairs generated at a time.
      classical: whether to evaluate DIS and Farneback too.
      progress: called as progress(done, total) after each batch.

    Returns:
      An `EvaluationResult`.

    Raises:
      InputError: the split has fewer pairs, `pairs` or `batch_size` is not positive, or the model's output
        is not finite.
    """
    available = dataset.num_pairs(split)
    if not 0 < pairs <= available:
        raise InputError(
            f"cannot evaluate {pairs} pairs: the {split} split has {available}; choose 1 to {available}"
        )
    if batch_size < 1:
        raise InputError(f"the batch size must be at least 1, got {batch_size}")
    if mean_image is None:
        mean_image, train_images_for_mean = mean_target(dataset, train_images_for_mean)
    image_sums = {name: dict.fromkeys(IMAGE_METRICS, 0.0) for name in IMAGE_ROWS}
    errors = {
        name: ErrorStatistics() for name in (ESTIMATED, ZERO_FLOW, *(CLASSICAL_FLOWS if classical else ()))
    }
    areas = {"person": AreaUnderCurve(), "image": AreaUnderCurve()}
    done, generate = 0, repeated_call(model)
    for batch in _batches(dataset, split, pairs, batch_size):
        outputs = generate({name: tf.constant(batch[name]) for name in MODEL_INPUTS}, training=False)
        generated = np.asarray(outputs["image"], np.float32)
        flow = resize_flow(outputs["flows"][-1], dataset.image_size).numpy()
        mask = resize_map(outputs["masks"][-1], dataset.image_size)
        if not all(np.isfinite(one).all() for one in (generated, flow, mask)):
            raise InputError("the model's output is not finite: its weights are damaged or training diverged")
        _add_images(image_sums, batch, generated, flow, mean_image)
        _add_flows(errors, batch, flow)
        _add_visibility(areas, batch, mask)
        done += len(flow)
        if progress is not None:
            progress(done, pairs)
    return EvaluationResult(
        split=split,
        pairs=pairs,
        image_size=tuple(dataset.image_size),
        seed=dataset.seed,
        mean_images=train_images_for_mean,
        images={
            name: {key: value / pairs for key, value in sums.items()} for name, sums in image_sums.items()
        },
        flows=_flow_metrics(errors),
        flow_pixels=errors[ESTIMATED].count,
        visibility_auc={region: area.value for region, area in areas.items()},
    )


def _batches(dataset, split: str, pairs: int, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
    """Yields the first `pairs` pairs with their true flow and visibility, as dicts of arrays."""
    remaining = pairs
    for batch in dataset.as_dataset(split, batch_size, shuffle=False, truth=True):
        batch = {name: np.asarray(value)[:remaining] for name, value in batch.items()}
        remaining -= len(batch["source_image"])
        yield batch
        if not remaining:
            return


def _add_images(sums, batch, generated, flow, mean_image) -> None:
    """Adds the image metrics of one batch, summed over its pairs."""
    target = batch["target_image"]
    person = (batch["source_parts"] > 0) | (batch["target_parts"] > 0)
    rows = {GENERATED: generated, **baseline_images(batch["source_image"], flow, mean_image)}
    for name, images in rows.items():
        for measure in (metrics.l1, metrics.ssim, metrics.psnr):
            sums[name][measure.__name__] += float(measure(images, target).sum())
            sums[name][measure.__name__ + "_person"] += float(measure(images, target, person).sum())


def _add_flows(errors, batch, flow) -> None:
    """Adds the end-point errors of one batch on the target's visible person pixels."""
    true_flow = batch["flow"]
    counted = (batch["visibility"] == 1) & (batch["target_parts"] > 0)
    for name, statistics in errors.items():
        if name == ESTIMATED:
            measured = flow
        elif name == ZERO_FLOW:
            measured = np.zeros_like(true_flow)
        else:
            pairs = zip(batch["source_image"], batch["target_image"], strict=True)
            measured = np.stack([classical_flow(name, source, target) for source, target in pairs])
        statistics.add(metrics.endpoint_error(measured[counted], true_flow[counted]))


def _add_visibility(areas, batch, mask) -> None:
    """Adds the masks of one batch as scores for the true visibility."""
    visible = batch["visibility"] > 0.5
    person = batch["target_parts"] > 0
    areas["person"].add(mask[person], visible[person])
    areas["image"].add(mask, visible)


def _flow_metrics(errors: dict[str, ErrorStatistics]) -> dict[str, dict[str, float]]:
    zero = errors[ZERO_FLOW]
    return {
        name: {
            "median": one.median,
            "mean": one.mean,
            "median_ratio": one.median / zero.median if zero.median else float("nan"),
            "mean_ratio": one.mean / zero.mean if zero.mean else float("nan"),
        }
        for name, one in errors.items()
    }
