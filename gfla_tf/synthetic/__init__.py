"""SyntheticPeople: a dataset of rendered people with known flow, visibility and body parts."""

from .body import PART_NAMES
from .dataset import SyntheticPeople
from .writer import write_folder

__all__ = ["PART_NAMES", "SyntheticPeople", "write_folder"]
