"""SyntheticPeople, the dataset that draws itself."""

from .body import PART_NAMES
from .dataset import SyntheticPeople

__all__ = ["PART_NAMES", "SyntheticPeople"]
