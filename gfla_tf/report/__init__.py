"""The HTML report of a run: `report_run` evaluates and writes it, `render(Report(...))` gives the page."""

from gfla_tf.report.logs import read_log
from gfla_tf.report.page import Report, render
from gfla_tf.report.run import ReportedRun, report_run
from gfla_tf.report.samples import Samples, collect_samples

__all__ = ["Report", "ReportedRun", "Samples", "collect_samples", "read_log", "render", "report_run"]
