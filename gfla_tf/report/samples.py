"""Sample images of a report: outputs of the model for held-out pairs."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from gfla_tf.evaluation.synthetic import MODEL_INPUTS, Generator
from gfla_tf.images.io import encode_image
from gfla_tf.ops.flow import resize_flow
from gfla_tf.synthetic import SyntheticPeople
from gfla_tf.viz import flow_scale, sample_columns

STRIDE = 13
"""Every 13th pair is shown: each has a different identity and a different pair of its images."""


@dataclasses.dataclass(frozen=True)
class Samples:
    """Sample images in rows.

    Attributes:
      columns: the names of the columns.
      rows: PNG bytes, one row per pair and one image per column.
      indices: the pairs' indices in the split.
      split: the split.
      size: (H, W) of the images.
      flow_scale: the length of the flow vectors, in pixels of the image, that are shown in full color.
    """

    columns: list[str]
    rows: list[list[bytes]]
    indices: list[int]
    split: str
    size: tuple[int, int]
    flow_scale: float


def collect_samples(
    model: Generator, dataset: SyntheticPeople, count: int = 10, split: str = "test"
) -> Samples:
    """Generates the images of every `STRIDE`th pair of a split, without selection by result.

    Args:
      model: a `PersonImageGenerator`, called with `return_attention=True`.
      dataset: the dataset.
      count: the largest number of pairs.
      split: the split's name.
    """
    batches = []
    for batch in dataset.as_dataset(split, STRIDE, shuffle=False, truth=True):
        batches.append({name: np.asarray(value)[:1] for name, value in batch.items()})
        if len(batches) == count:
            break
    batch = {name: np.concatenate([one[name] for one in batches]) for name in batches[0]}
    inputs = {name: tf.constant(batch[name]) for name in MODEL_INPUTS}
    outputs = model(inputs, training=False, return_attention=True)
    size = tuple(dataset.image_size)
    times = max(1, -(-192 // size[0]))
    columns = sample_columns(batch, outputs, count, (size[0] * times, size[1] * times))
    rows = [
        [encode_image("image.png", image) for image in row] for row in zip(*columns.values(), strict=True)
    ]
    scale = flow_scale(resize_flow(outputs["flows"][-1], size).numpy(), batch)
    return Samples(list(columns), rows, [STRIDE * index for index in range(len(rows))], split, size, scale)
