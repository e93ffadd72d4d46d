"""The figures of one evaluation, and how they are written down: text, Markdown, JSON."""

from __future__ import annotations

import dataclasses
import json
import math

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
    """What `evaluate_synthetic` measured.

    Attributes:
      split, pairs: which pairs, and how many. image_size: (H, W). seed: the dataset's. mean_images: over
      how many training targets the mean image is. images: row ("generated", "source warped by F", "copy the
      source", "mean training image") → figure (the
        keys of `IMAGE_METRICS`) → mean over the pairs. L1 on the [-1, 1] scale; "figure" is the union of
        the source's and the target's figure.
      flows: row ("F, finest flow", "zero flow" and the classical ones) → figure (the keys of
        `FLOW_METRICS`): the end-point error over all visible person pixels of all targets, in pixels of the
        image, and over zero flow's.
      flow_pixels: how many such pixels.
      visibility_auc: "figure" (the target's figure pixels) and "image" (all pixels): the finest mask as a
        score for the true visibility.
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
        """One sentence: what was measured."""
        height, width = self.image_size
        return (
            f"{self.pairs} pairs of the {self.split} split of SyntheticPeople, seed {self.seed}, "
            f"{height} x {width} pixels; mean image over {self.mean_images} training targets"
        )

    def tables(self) -> list[Table]:
        """The figures as tables of text."""
        images = metric_rows(self.images, IMAGE_METRICS)
        flows = metric_rows(self.flows, FLOW_METRICS)
        title = f"End-point error on {self.flow_pixels:,} visible person pixels"
        visibility = [[where, _number(self.visibility_auc[where], "auc")] for where in self.visibility_auc]
        return [
            Table("Images", ["", *IMAGE_METRICS.values()], images),
            Table(title, ["", *FLOW_METRICS.values()], flows),
            Table("Mask against true visibility", ["pixels", "AUC ↑"], visibility),
        ]

    def to_dict(self) -> dict:
        """JSON-ready; figures that are not finite are None."""
        plain = dataclasses.asdict(self)
        plain["image_size"] = list(self.image_size)
        return finite_or_none(plain)

    def to_json(self) -> str:
        """The dict of `to_dict`, indented."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_text(self) -> str:
        """Aligned columns for a terminal."""
        return "\n\n".join([self.describe(), *(table_to_text(table) for table in self.tables())]) + "\n"

    def to_markdown(self) -> str:
        """Tables for a README or a model card."""
        return (
            "\n\n".join([self.describe() + ".", *(table_to_markdown(table) for table in self.tables())])
            + "\n"
        )


def table_to_text(table: Table) -> str:
    """A table in aligned columns, the first to the left, the others to the right."""
    lines = [table.header, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    text = [table.title]
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True))]
        text.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(text)


def table_to_markdown(table: Table) -> str:
    """A table in GitHub's Markdown."""
    rule = ["---"] + ["---:"] * (len(table.header) - 1)
    lines = [table.header, rule, *table.rows]
    return "\n".join([f"**{table.title}**", "", *("| " + " | ".join(line) + " |" for line in lines)])


def metric_rows(figures: dict[str, dict[str, float]], keys) -> list[list[str]]:
    """The rows of a table: each name with its figures `keys` as text."""
    return [[name, *(_number(values[key], key) for key in keys)] for name, values in figures.items()]


def _number(value: float, key: str) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    return f"{value:.2f}" if "psnr" in key or key in ("median", "mean") else f"{value:.3f}"


def finite_or_none(value):
    """A figure, or a dict of them, with None for what is not finite: JSON has neither NaN nor infinity."""
    if isinstance(value, dict):
        return {key: finite_or_none(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
