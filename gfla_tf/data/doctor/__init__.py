"""Validation of data folders: finds faults that would stop or degrade training."""

from gfla_tf.data.doctor.checks import CHECKS, ERROR, WARNING, Check, Fault
from gfla_tf.data.doctor.folder import check_folder
from gfla_tf.data.doctor.report import Report

__all__ = ["CHECKS", "ERROR", "WARNING", "Check", "Fault", "Report", "check_folder"]
