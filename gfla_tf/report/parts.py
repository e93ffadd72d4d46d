"""HTML parts of a report: tiles, tables, images and charts. All text is escaped."""

from __future__ import annotations

import base64
import math
from html import escape

from gfla_tf.evaluation.result import Table
from gfla_tf.images.io import encode_image
from gfla_tf.report.logs import curves
from gfla_tf.report.samples import Samples
from gfla_tf.report.svg import line_chart
from gfla_tf.viz import flow_wheel

_EXPLANATIONS = {
    "target pose": "the visible keypoints of the target, one color per joint",
    "generated": "the model's output for the source image and the two poses",
    "flow": "the flow of F, the flow field estimator: the position in the source that each target pixel "
    "reads; faded outside the target's person",
    "true flow": "the position of each target pixel's surface point in the source, known from the renderer",
    "mask": "white: read from the source by attention; black: synthesised by the generator",
    "attention": "the positions in the source that the finest attention block reads for each joint, in the "
    "joint's color",
}


def tile(value: str, label: str) -> str:
    """Returns a tile with a large number and its label."""
    return f'<div class="tile"><b>{escape(value)}</b><span>{escape(label)}</span></div>'


def metrics_table(table: Table, ours: str | None = None) -> str:
    """Returns a table of metrics; row `ours` is highlighted, and "met" and "missed" are shown as badges."""
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


def image_table(samples: Samples) -> str:
    """Returns the table of sample images with the names of its columns and a legend."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in samples.columns)
    rows = []
    for index, row in zip(samples.indices, samples.rows, strict=True):
        cells = (
            f"<td>{_image(png, f'{name} of pair {index}')}</td>"
            for name, png in zip(samples.columns, row, strict=True)
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table class="images"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{_legend(samples)}"
    )


def charts(log: dict[str, list[float]]) -> str:
    """Returns one chart per curve of a training log."""
    found = curves(log)
    if not found:
        return '<p class="note">No epoch was completed.</p>'
    parts = []
    for name, series in found.items():
        last = {
            label: [value for value in values if math.isfinite(value)][-1] for label, values in series.items()
        }
        values = ", ".join(f"{label} {value:.3g}" for label, value in last.items())
        caption = f"<p>{escape(name.replace('_', ' '))} <span>{escape(values)}</span></p>"
        parts.append(f'<div class="chart">{caption}{line_chart(name, log["epoch"], series)}</div>')
    return f'<div class="charts">{"".join(parts)}</div>'


def _legend(samples: Samples) -> str:
    wheel = _image(encode_image("wheel.png", flow_wheel(193)), "color wheel of flow directions")
    terms = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(_EXPLANATIONS[name])}</dd>"
        for name in samples.columns
        if name in _EXPLANATIONS
    )
    full = f"full color: {samples.flow_scale:.0f} px (image width {samples.size[1]} px)"
    cells = ("", "reads above", "", "left", wheel, "right", "", "below", "", "", full, "")
    labelled = "".join(cell if cell == wheel else f"<span>{escape(cell)}</span>" for cell in cells)
    return f'<div class="legend"><div class="wheel">{labelled}</div><dl>{terms}</dl></div>'


def _cell(text: str) -> str:
    return f'<span class="badge {text}">{text}</span>' if text in ("met", "missed") else escape(text)


def _image(png: bytes, alt: str) -> str:
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
