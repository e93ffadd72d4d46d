"""One self-contained HTML page about a training run: images, metrics, loss curves and configuration."""

from __future__ import annotations

import dataclasses
from html import escape

from gfla_tf.evaluation.baselines import COPY_SOURCE, GENERATED
from gfla_tf.evaluation.result import ESTIMATED, EvaluationResult
from gfla_tf.evaluation.targets import Target, targets_table
from gfla_tf.report.parts import charts, image_table, metrics_table, tile
from gfla_tf.report.samples import Samples
from gfla_tf.report.style import CSS

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security policy: the browser may use only the images and the style embedded in the page."""


@dataclasses.dataclass(frozen=True)
class Report:
    """The content of a report.

    Attributes:
      title: the heading.
      lead: one or two sentences below the heading.
      facts: (name, value) pairs about the run: data, steps, time.
      config: the resolved configuration as YAML.
      stages: (title, log) of each training stage, where the log is that of `read_log`.
      samples: generated images.
      result: the metrics.
      targets: the targets of the run; may be empty.
    """

    title: str
    lead: str
    facts: list[tuple[str, str]]
    config: str
    stages: list[tuple[str, dict[str, list[float]]]]
    samples: Samples
    result: EvaluationResult
    targets: list[Target]


def render(report: Report) -> str:
    """Returns the page as one HTML document without external resources; all text is escaped."""
    body = "\n".join([_head(report), _images(report), _metrics(report), _curves(report), _run(report)])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(report.title)}</title>
<style>{CSS}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _head(report: Report) -> str:
    result = report.result
    flow, images = result.flows[ESTIMATED], result.images
    ratio = images[GENERATED]["l1_person"] / images[COPY_SOURCE]["l1_person"]
    tiles = [
        tile(f"{flow['median_ratio']:.2f}", "median flow error, relative to zero flow"),
        tile(f"{ratio:.2f}", "L1 on the person, relative to copying the source"),
        tile(f"{images[GENERATED]['ssim']:.3f}", "SSIM of the generated images"),
        tile(f"{result.visibility_auc['person']:.2f}", "AUC of the mask for true visibility (0.5 is chance)"),
    ]
    head = f'<header><h1>{escape(report.title)}</h1><p class="lead">{escape(report.lead)}</p></header>'
    return head + f'<div class="tiles">{"".join(tiles)}</div>'


def _images(report: Report) -> str:
    samples = report.samples
    note = (
        f"Pairs {', '.join(map(str, samples.indices))} of the {samples.split} split. None of these people is "
        "in the training data, and the pairs are not selected by their results."
    )
    return (
        f'<section><h2>Held-out people</h2><p class="note">{escape(note)}</p>{image_table(samples)}</section>'
    )


def _metrics(report: Report) -> str:
    images, flows, visibility = report.result.tables()
    parts = [f'<section><h2>Metrics</h2><p class="note">{escape(report.result.describe())}.</p>']
    if report.targets:
        parts.append(metrics_table(targets_table(report.targets)))
    note = (
        "L1 is on the [-1, 1] scale. Person: the union of the person regions of source and target. All "
        "values are means over pairs."
    )
    parts += [metrics_table(images, ours=GENERATED), f'<p class="note">{note}</p>']
    note = (
        "In pixels of the image. The inputs of F are the source and both poses, those of the classical "
        "methods the source and the target. 4x: computed on images enlarged four times."
    )
    parts += [metrics_table(flows, ours=ESTIMATED), f'<p class="note">{note}</p>']
    note = (
        "How well the finest mask separates points that are visible in the source from those that are not. "
        "Person: pixels of the target's person."
    )
    parts += [metrics_table(visibility), f'<p class="note">{note}</p></section>']
    return "".join(parts)


def _curves(report: Report) -> str:
    parts = ["<section><h2>Training</h2>"]
    parts.append(
        '<p class="key">Losses per epoch:<i style="background:var(--line-0)"></i>training'
        '<i style="background:var(--line-1)"></i>held-out</p>'
    )
    for title, log in report.stages:
        parts.append(f"<h3>{escape(title)}</h3>{charts(log)}")
    return "".join(parts) + "</section>"


def _run(report: Report) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.facts)
    return (
        f'<section><h2>Run</h2><dl class="facts">{facts}</dl>'
        f"<details><summary>Configuration</summary><pre>{escape(report.config)}</pre></details></section>"
    )
