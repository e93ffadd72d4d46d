"""From what the owners of DeepFashion and Market-1501 hand out to the layout that training reads."""

from .folder import prepare_folder
from .summary import SplitSummary, Summary

__all__ = ["SplitSummary", "Summary", "prepare_folder"]
