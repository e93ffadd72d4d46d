"""Evaluation of a person image generator on held-out pairs of photographs, by image metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gfla_tf.data.folder import PairFolder
from gfla_tf.data.pipeline import data_errors
from gfla_tf.data.protocol import Protocol, describe_protocol
from gfla_tf.documents import format_json
from gfla_tf.errors import InputError
from gfla_tf.evaluation import metrics
from gfla_tf.evaluation.baselines import GENERATED, baseline_images, mean_target
from gfla_tf.evaluation.result import (
    IMAGE_METRICS,
    IMAGE_ROWS,
    Table,
    finite_or_none,
    metric_rows,
    table_to_markdown,
    table_to_text,
)
from gfla_tf.evaluation.synthetic import MODEL_INPUTS, Generator, repeated_call
from gfla_tf.ops.flow import resize_flow

METRICS = {key: title for key, title in IMAGE_METRICS.items() if not key.endswith("_person")}


@dataclasses.dataclass(frozen=True)
class PhotographsResult:
    """The metrics of `evaluate_photographs`.

    Attributes:
      layout: "deepfashion" or "market1501".
      folder: the path of the data folder or of its shards.
      split: the evaluated split.
      pairs: number of evaluated pairs.
      image_size: (H, W) of the model's images in pixels.
      mean_images: number of training targets that the mean image averages.
      images: {row: {metric: mean over the pairs}}. The rows are "generated", "source warped by F", "copy the
        source" and "mean training image", the metrics the keys of `METRICS`. L1 is on the [-1, 1] scale.
      protocol: the preparation of the folder's images, or None if it was not recorded.
    """

    layout: str
    folder: str
    split: str
    pairs: int
    image_size: tuple[int, int]
    mean_images: int
    images: dict[str, dict[str, float]]
    protocol: Protocol | None

    def describe(self) -> str:
        """Describes the evaluated pairs and the protocol of their images, on which the metrics depend."""
        height, width = self.image_size
        how = describe_protocol(self.protocol, self.folder, self.image_size)
        return (
            f"{self.pairs} pairs of the {self.split} split of {self.layout}, {height} x {width} pixels; mean "
            f"image over {self.mean_images} training targets\nProtocol: {how}"
        )

    def table(self) -> Table:
        """Returns the metrics as a table of text cells."""
        return Table("Images", ["", *METRICS.values()], metric_rows(self.images, METRICS))

    def to_json(self) -> str:
        """Returns indented JSON; `protocol` is the content of `protocol.json`, or null if not recorded."""
        plain = dataclasses.asdict(self)
        plain["image_size"] = list(self.image_size)
        plain["protocol"] = None if self.protocol is None else self.protocol.to_dict()
        plain["protocol_text"] = describe_protocol(self.protocol, self.folder, self.image_size)
        return format_json(finite_or_none(plain))

    def to_text(self) -> str:
        """Returns the table in aligned columns, for a terminal."""
        return f"{self.describe()}\n\n{table_to_text(self.table())}\n"

    def to_markdown(self) -> str:
        """Returns the table in Markdown, for a README or a model card."""
        return self.describe().replace("\n", ".\n\n") + f".\n\n{table_to_markdown(self.table())}\n"


def evaluate_photographs(
    model: Generator,
    dataset: PairFolder,
    *,
    split: str = "test",
    pairs: int | None = None,
    mean_images: int = 2000,
    batch_size: int = 20,
    progress: Callable[[int, int], None] | None = None,
) -> PhotographsResult:
    """Measures the images of the first `pairs` pairs of a split, in its unshuffled order.

    Args:
      model: a `PersonImageGenerator`, or a function that takes its inputs and `training=False` and returns
        its outputs.
      dataset: a dataset with the model's image size, without augmentation.
      split: the split's name.
      pairs: number of pairs; None is all.
      mean_images: the largest number of training targets in the mean image.
      batch_size: number of pairs loaded and generated at a time.
      progress: called as progress(done, total) after each batch.

    Returns:
      A `PhotographsResult`.

    Raises:
      InputError: the split has fewer pairs, `pairs` or `batch_size` is not positive, an image cannot be read,
        or the model's output is not finite.
    """
    available = dataset.num_pairs(split)
    pairs = available if pairs is None else pairs
    if not 0 < pairs <= available:
        raise InputError(
            f"cannot evaluate {pairs} pairs: the {split} split has {available}; choose 1 to {available}"
        )
    if batch_size < 1:
        raise InputError(f"the batch size must be at least 1, got {batch_size}")
    protocol = dataset.protocol
    sums = {name: dict.fromkeys(METRICS, 0.0) for name in IMAGE_ROWS}
    done, generate = 0, repeated_call(model)
    with data_errors():
        mean_image, mean_images = mean_target(dataset, mean_images)
        for batch in dataset.as_dataset(split, batch_size, shuffle=False):
            batch = {name: np.asarray(value)[: pairs - done] for name, value in batch.items()}
            _add(sums, generate, batch, mean_image)
            done += len(batch["source_image"])
            if progress is not None:
                progress(done, pairs)
            if done == pairs:
                break
    return PhotographsResult(
        layout=dataset.layout.name,
        folder=dataset.root,
        split=split,
        pairs=pairs,
        image_size=tuple(dataset.image_size),
        mean_images=mean_images,
        images={name: {key: value / pairs for key, value in row.items()} for name, row in sums.items()},
        protocol=protocol,
    )


def _add(sums, generate, batch, mean_image) -> None:
    """Adds the metrics of one batch, summed over its pairs."""
    outputs = generate({name: tf.constant(batch[name]) for name in MODEL_INPUTS}, training=False)
    generated = np.asarray(outputs["image"], np.float32)
    flow = resize_flow(outputs["flows"][-1], generated.shape[1:3]).numpy()
    if not (np.isfinite(generated).all() and np.isfinite(flow).all()):
        raise InputError("the model's output is not finite: its weights are damaged or training diverged")
    rows = {GENERATED: generated, **baseline_images(batch["source_image"], flow, mean_image)}
    for name, images in rows.items():
        for measure in (metrics.l1, metrics.ssim, metrics.psnr):
            sums[name][measure.__name__] += float(measure(images, batch["target_image"]).sum())
