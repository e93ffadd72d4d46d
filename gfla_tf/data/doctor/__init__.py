"""The doctor of data folders: looks for what would stop or spoil training, and says where it is."""

from gfla_tf.data.doctor.checks import CHECKS, ERROR, WARNING, Check, Fault
from gfla_tf.data.doctor.folder import check_folder
from gfla_tf.data.doctor.report import Report

__all__ = ["CHECKS", "ERROR", "WARNING", "Check", "Fault", "Report", "check_folder"]
