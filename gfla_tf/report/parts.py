"""The pieces of a report as HTML: tables, pictures, charts. All text that comes in is escaped here."""

from __future__ import annotations

import base64
import math
from html import escape

from gfla_tf.evaluation.result import Table
from gfla_tf.report.logs import curves
from gfla_tf.report.samples import Samples
from gfla_tf.report.svg import line_chart
from gfla_tf.viz import encode_png, flow_wheel

_EXPLANATIONS = {
    "target pose": "the 18 keypoints the person is to take, a colour a joint; hidden ones are missing",
    "generated": "what the model makes of the source picture and the two poses",
    "flow": "where F, the flow field estimator, reads the source; faded outside the target's figure",
    "true flow": "where the renderer knows each point to be in the source",
    "mask": "white: taken from the source by attention; black: invented by the generator",
    "attention": "where the finest attention block reads the source for each joint, in the joint's colour",
}


def tile(value: str, label: str) -> str:
    """One large number and what it is."""
    return f'<div class="tile"><b>{escape(value)}</b><span>{escape(label)}</span></div>'


def metrics_table(table: Table, ours: str | None = None) -> str:
    """A table of figures; the row named `ours` is marked, and cells "met" and "missed" become badges."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    rows = []
    for first, *cells in table.rows:
        mark = ' class="ours"' if first == ours else ""
        others = "".join(f"<td>{_cell(cell)}</td>" for cell in cells)
        rows.append(f'<tr{mark}><th scope="row">{escape(first)}</th>{others}</tr>')
    return (
        f'<h3>{escape(table.title)}</h3><div class="scroll"><table class="metrics">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def picture_table(samples: Samples) -> str:
    """The rows of pictures under their columns' names, and the legend."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in samples.columns)
    rows = []
    for index, row in zip(samples.indices, samples.rows, strict=True):
        cells = (
            f"<td>{_image(png, f'{name} of pair {index}')}</td>"
            for name, png in zip(samples.columns, row, strict=True)
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table class="pictures"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{_legend(samples)}"
    )


def charts(log: dict[str, list[float]]) -> str:
    """One chart a loss of a training log."""
    found = curves(log)
    if not found:
        return '<p class="note">No epoch was finished.</p>'
    figures = []
    for name, series in found.items():
        last = {
            label: [value for value in values if math.isfinite(value)][-1] for label, values in series.items()
        }
        values = ", ".join(f"{label} {value:.3g}" for label, value in last.items())
        caption = f"<figcaption>{escape(name.replace('_', ' '))} <span>{escape(values)}</span></figcaption>"
        figures.append(f"<figure>{caption}{line_chart(name, log['epoch'], series)}</figure>")
    return f'<div class="charts">{"".join(figures)}</div>'


def _legend(samples: Samples) -> str:
    wheel = _image(encode_png(flow_wheel(193)), "colour wheel of the flow")
    terms = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(_EXPLANATIONS[name])}</dd>"
        for name in samples.columns
        if name in _EXPLANATIONS
    )
    full = f"full colour: {samples.flow_scale:.0f} px of {samples.size[1]}"
    cells = ("", "read from above", "", "left", wheel, "right", "", "below", "", "", full, "")
    figure = "".join(cell if cell == wheel else f"<span>{escape(cell)}</span>" for cell in cells)
    return f'<div class="legend"><figure>{figure}</figure><dl>{terms}</dl></div>'


def _cell(text: str) -> str:
    return f'<span class="badge {text}">{text}</span>' if text in ("met", "missed") else escape(text)


def _image(png: bytes, alt: str) -> str:
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
