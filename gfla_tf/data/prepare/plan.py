"""Preparation plan of one split: its image files, and the contents of its lists."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gfla_tf.csv_text import format_cells
from gfla_tf.data.layout import PAIRS_HEADER, Layout
from gfla_tf.data.prepare.lists import SplitLists
from gfla_tf.data.prepare.summary import SplitSummary
from gfla_tf.errors import InputError
from gfla_tf.files.names import without_ending
from gfla_tf.pose.keypoints import ANNOTATION_HEADER


@dataclass
class SplitPlan:
    """The images and lists of one split.

    Attributes:
      split: "train" or "test".
      lists: the authors' lists.
      images: {name in the lists: path in the source} of the available images.
      missing: {name: message} of the others; the message is empty if the file does not exist.
      extension: the extension of the prepared files.
      source_images: the number of images of this split in the source.
    """

    split: str
    lists: SplitLists
    images: dict[str, str]
    missing: dict[str, str]
    extension: str
    source_images: int

    @classmethod
    def create(cls, split: str, lists: SplitLists, source: dict[str, str], extension: str) -> SplitPlan:
        """Creates the plan of a split.

        Args:
          split: "train" or "test".
          lists: the authors' lists.
          source: {name: path} of the images in the source.
          extension: the extension of the prepared files.

        Raises:
          InputError: two listed names differ only in their extension.
        """
        images = {name: source[name] for name in lists.names if name in source}
        missing = {name: "" for name in lists.names if name not in source}
        plan = cls(split, lists, images, missing, extension, len(source))
        stored: dict[str, str] = {}
        for name in images:
            other = stored.setdefault(plan.stored_name(name), name)
            if other != name:
                raise InputError(f"the lists of {split!r} contain {other!r} and {name!r}: remove one of them")
        return plan

    def stored_name(self, name: str) -> str:
        """Returns the file name of a prepared image: its name in the lists with the plan's extension."""
        return without_ending(name) + self.extension

    def jobs(self, out: str) -> list[tuple[str, str]]:
        """Returns the (source, target) paths of the images."""
        return [
            (path, os.path.join(out, self.split, self.stored_name(name)))
            for name, path in self.images.items()
        ]

    def exclude(self, unreadable: dict[str, str]) -> None:
        """Moves images to the missing ones.

        Args:
          unreadable: {source path: message}.
        """
        for name, path in list(self.images.items()):
            if path in unreadable:
                self.missing[name] = unreadable[path]
                del self.images[name]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of which both images are available."""
        return [pair for pair in self.lists.pairs if all(name in self.images for name in pair)]

    def files(self, layout: Layout) -> dict[str, bytes]:
        """Returns the contents of the split's two CSV files by file name.

        Raises:
          InputError: no pair is complete.
        """
        pairs = [format_cells([self.stored_name(name) for name in pair], ",") for pair in self.pairs]
        if not pairs:
            raise InputError(
                f"no pair of {self.lists.pairs_path!r} has both its images in the source: {self.split!r} "
                "would be empty"
            )
        rows = [
            f"{format_cells([self.stored_name(name)], ':')}:{row}"
            for name, row in self.lists.rows.items()
            if name in self.images
        ]
        prefix = layout.prefixes[0]
        return {
            f"{prefix}-pairs-{self.split}.csv": _text(PAIRS_HEADER, pairs),
            f"{prefix}-annotation-{self.split}.csv": _text(ANNOTATION_HEADER, rows),
        }

    def summary(self) -> SplitSummary:
        """Returns the split's counts."""
        return SplitSummary(
            images=len(self.images),
            pairs=len(self.pairs),
            listed_images=len(self.lists.names),
            listed_pairs=len(self.lists.pairs),
            source_images=self.source_images,
            missing=list(self.missing),
        )


def _text(header: str, lines: list[str]) -> bytes:
    return ("\n".join([header, *lines]) + "\n").encode()
