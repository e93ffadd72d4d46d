"""The HTML report of a run: `render(Report(...))` gives the page."""

from gfla_tf.report.logs import read_log
from gfla_tf.report.page import Report, render
from gfla_tf.report.samples import Samples, collect_samples

__all__ = ["Report", "Samples", "collect_samples", "read_log", "render"]
