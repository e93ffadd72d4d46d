"""One self-contained HTML page about a training run: pictures, figures, loss curves, configuration."""

from __future__ import annotations

import dataclasses
from html import escape

from gfla_tf.evaluation.baselines import COPY_SOURCE, GENERATED
from gfla_tf.evaluation.result import ESTIMATED, EvaluationResult
from gfla_tf.evaluation.targets import Target, targets_table
from gfla_tf.report.parts import charts, metrics_table, picture_table, tile
from gfla_tf.report.samples import Samples
from gfla_tf.report.style import CSS

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the browser may load: the pictures and the style in the page itself, nothing else."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What a report tells.

    Attributes:
      title: the heading.
      lead: one or two sentences below it.
      facts: (name, value) pairs of what was run: data, steps, time.
      config: the resolved configuration as YAML.
      stages: (title, log) of each training stage, the log as `read_log` gives it.
      samples: the pictures.
      result: the figures.
      targets: what the run promised; may be empty.
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
    """The whole page as one HTML document that loads nothing; every text of the report is escaped."""
    body = "\n".join([_head(report), _pictures(report), _figures(report), _curves(report), _run(report)])
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
    share = images[GENERATED]["l1_person"] / images[COPY_SOURCE]["l1_person"]
    tiles = [
        tile(f"{flow['median_ratio']:.2f}", "median flow error, as a share of zero flow's"),
        tile(f"{share:.2f}", "L1 on the figure, as a share of copying the source's"),
        tile(f"{images[GENERATED]['ssim']:.3f}", "SSIM of the generated images"),
        tile(
            f"{result.visibility_auc['person']:.2f}", "AUC of the mask for true visibility (0.5 is guessing)"
        ),
    ]
    head = f'<header><h1>{escape(report.title)}</h1><p class="lead">{escape(report.lead)}</p></header>'
    return head + f'<div class="tiles">{"".join(tiles)}</div>'


def _pictures(report: Report) -> str:
    samples = report.samples
    note = (
        f"Pairs {', '.join(map(str, samples.indices))} of the {samples.split} split: nobody here was seen in "
        "training, and nothing is picked by its result."
    )
    return (
        f'<section><h2>Held-out people</h2><p class="note">{escape(note)}</p>'
        f"{picture_table(samples)}</section>"
    )


def _figures(report: Report) -> str:
    images, flows, visibility = report.result.tables()
    parts = [f'<section><h2>Figures</h2><p class="note">{escape(report.result.describe())}.</p>']
    if report.targets:
        parts.append(metrics_table(targets_table(report.targets)))
    note = (
        "L1 on the scale from -1 to 1. Figure: the union of the source's and the target's. Means over pairs."
    )
    parts += [metrics_table(images, ours=GENERATED), f'<p class="note">{note}</p>']
    note = (
        "In pixels of the image. F sees the source and both poses; the classical methods see source and "
        "target. 4x: on images enlarged four times."
    )
    parts += [metrics_table(flows, ours=ESTIMATED), f'<p class="note">{note}</p>']
    note = "How well the finest mask tells what the source shows from what must be invented."
    parts += [metrics_table(visibility), f'<p class="note">{note}</p></section>']
    return "".join(parts)


def _curves(report: Report) -> str:
    parts = ["<section><h2>Training</h2>"]
    parts.append(
        '<p class="key">Losses over the epochs:<i style="background:var(--line-0)"></i>training'
        '<i style="background:var(--line-1)"></i>held-out</p>'
    )
    for title, log in report.stages:
        parts.append(f"<h3>{escape(title)}</h3>{charts(log)}")
    return "".join(parts) + "</section>"


def _run(report: Report) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.facts)
    return (
        f'<section><h2>What was run</h2><dl class="facts">{facts}</dl>'
        f"<details><summary>The configuration</summary><pre>{escape(report.config)}</pre></details></section>"
    )
