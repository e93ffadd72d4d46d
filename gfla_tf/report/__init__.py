"""The HTML report of a training run: evaluation, sample images, loss curves and configuration."""

from gfla_tf.report.logs import read_log
from gfla_tf.report.page import Report, render
from gfla_tf.report.run import ReportedRun, report_run
from gfla_tf.report.samples import Samples, collect_samples

__all__ = ["Report", "ReportedRun", "Samples", "collect_samples", "read_log", "render", "report_run"]
