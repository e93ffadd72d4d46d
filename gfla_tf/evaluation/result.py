"""The metrics of one evaluation, and their tables as text, Markdown and JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from gfla_tf.documents import format_json
from gfla_tf.evaluation.baselines import COPY_SOURCE, GENERATED, MEAN_IMAGE, WARPED_SOURCE

IMAGE_METRICS = {
    "l1": "L1 ↓",
    "l1_person": "L1, person ↓",
    "ssim": "SSIM ↑",
    "ssim_person": "SSIM, person ↑",
    "psnr": "PSNR dB ↑",
    "psnr_person": "PSNR dB, person ↑",
}
FLOW_METRICS = {
    "median": "median px ↓",
    "mean": "mean px ↓",
    "median_ratio": "median / zero flow ↓",
    "mean_ratio": "mean / zero flow ↓",
}
ESTIMATED = "F, finest flow"
ZERO_FLOW = "zero flow"
IMAGE_ROWS = (GENERATED, WARPED_SOURCE, COPY_SOURCE, MEAN_IMAGE)


@dataclasses.dataclass(frozen=True)
class Table:
    """A titled table of text cells; the first column names the row."""

    title: str
    header: list[str]
    rows: list[list[str]]


@dataclasses.dataclass(frozen=True)
class EvaluationResult:
    """The metrics of `evaluate_synthetic`.

    Attributes:
      split: the evaluated split.
      pairs: number of evaluated pairs.
      image_size: (H, W) in pixels.
      seed: seed of the dataset.
      mean_images: number of training targets that the mean image averages.
      images: {row: {metric: mean over the pairs}}. The rows are "generated", "source warped by F", "copy the
        source" and "mean training image", the metrics the keys of `IMAGE_METRICS`. L1 is on the [-1, 1]
        scale. "person" is the union of the person regions of source and target.
      flows: {row: {metric: value}}. The rows are "F, finest flow", "zero flow" and the classical flows, the
        metrics the keys of `FLOW_METRICS`: the end-point error over the visible person pixels of all targets,
        in image pixels, and as a ratio to that of zero flow.
      flow_pixels: number of visible person pixels.
      visibility_auc: area under the ROC curve of the finest mask as a score for the true visibility, over the
        target's person region ("person") and over all pixels ("image").
    """

    split: str
    pairs: int
    image_size: tuple[int, int]
    seed: int
    mean_images: int
    images: dict[str, dict[str, float]]
    flows: dict[str, dict[str, float]]
    flow_pixels: int
    visibility_auc: dict[str, float]

    def describe(self) -> str:
        """Describes the evaluated pairs in one line."""
        height, width = self.image_size
        return (
            f"{self.pairs} pairs of the {self.split} split of SyntheticPeople, seed {self.seed}, "
            f"{height} x {width} pixels; mean image over {self.mean_images} training targets"
        )

    def tables(self) -> list[Table]:
        """Returns the metrics as tables of text cells."""
        images = metric_rows(self.images, IMAGE_METRICS)
        flows = metric_rows(self.flows, FLOW_METRICS)
        title = f"End-point error on {self.flow_pixels:,} visible person pixels"
        visibility = [[region, _number(value, "auc")] for region, value in self.visibility_auc.items()]
        return [
            Table("Images", ["", *IMAGE_METRICS.values()], images),
            Table(title, ["", *FLOW_METRICS.values()], flows),
            Table("Mask against true visibility", ["pixels", "AUC ↑"], visibility),
        ]

    def to_dict(self) -> dict:
        """Returns a dict for JSON, in which metrics that are not finite are None."""
        plain = dataclasses.asdict(self)
        plain["image_size"] = list(self.image_size)
        return finite_or_none(plain)

    def to_json(self) -> str:
        """Returns `to_dict` as indented JSON."""
        return format_json(self.to_dict())

    def to_text(self) -> str:
        """Returns the tables in aligned columns, for a terminal."""
        return "\n\n".join([self.describe(), *(table_to_text(table) for table in self.tables())]) + "\n"

    def to_markdown(self) -> str:
        """Returns the tables in Markdown, for a README or a model card."""
        return (
            "\n\n".join([self.describe() + ".", *(table_to_markdown(table) for table in self.tables())])
            + "\n"
        )


def table_to_text(table: Table) -> str:
    """Formats a table in aligned columns: the first one left-aligned, the others right-aligned."""
    lines = [table.header, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    text = [table.title]
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True))]
        text.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(text)


def table_to_markdown(table: Table) -> str:
    """Formats a table in GitHub's Markdown."""
    rule = ["---"] + ["---:"] * (len(table.header) - 1)
    lines = [table.header, rule, *table.rows]
    return "\n".join([f"**{table.title}**", "", *("| " + " | ".join(line) + " |" for line in lines)])


def metric_rows(metrics: dict[str, dict[str, float]], keys: Iterable[str]) -> list[list[str]]:
    """Formats the rows of a table: each name with its metrics `keys`."""
    return [[name, *(_number(values[key], key) for key in keys)] for name, values in metrics.items()]


def _number(value: float, key: str) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    return f"{value:.2f}" if "psnr" in key or key in ("median", "mean") else f"{value:.3f}"


def finite_or_none(value: object) -> object:
    """Replaces NaN and infinity, which JSON lacks, by None in a value or a nested dict of values."""
    if isinstance(value, dict):
        return {key: finite_or_none(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
