"""Preparation of the original DeepFashion and Market-1501 datasets for training."""

from gfla_tf.data.prepare.folder import prepare_folder
from gfla_tf.data.prepare.summary import SplitSummary, Summary

__all__ = ["SplitSummary", "Summary", "prepare_folder"]
