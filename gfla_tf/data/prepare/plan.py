"""What becomes of one split: which image is made of which, and the lists of those that are there."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gfla_tf.data.layout import PAIRS_HEADER, Layout
from gfla_tf.data.prepare.lists import SplitLists
from gfla_tf.data.prepare.summary import SplitSummary
from gfla_tf.errors import InputError
from gfla_tf.pose.keypoints import ANNOTATION_HEADER


@dataclass
class SplitPlan:
    """One split's images and lists.

    Attributes:
      split: "train" or "test".
      lists: as the authors hand them out.
      images: {name in the lists: path in the source}, of the images that are there.
      missing: names of those that are not, with what is wrong where that is known.
      extension: of the files that are made.
      source_images: how many images the source has for this split.
    """

    split: str
    lists: SplitLists
    images: dict[str, str]
    missing: dict[str, str]
    extension: str
    source_images: int

    @classmethod
    def make(cls, split: str, lists: SplitLists, source: dict[str, str], extension: str) -> SplitPlan:
        """The plan of a split whose images are `source`, {name: path}.

        Raises:
          InputError: two listed names differ in nothing but their extension.
        """
        images = {name: source[name] for name in lists.names if name in source}
        missing = {name: "" for name in lists.names if name not in source}
        plan = cls(split, lists, images, missing, extension, len(source))
        stored: dict[str, str] = {}
        for name in images:
            other = stored.setdefault(plan.stored_name(name), name)
            if other != name:
                raise InputError(f"the lists of {split!r} name {other!r} and {name!r}: remove one of them")
        return plan

    def stored_name(self, name: str) -> str:
        """The file that a listed image becomes: its name with the extension of the protocol's format."""
        return os.path.splitext(name)[0] + self.extension

    def jobs(self, out: str) -> list[tuple[str, str]]:
        """(source, target) paths of the images."""
        return [
            (path, os.path.join(out, self.split, self.stored_name(name)))
            for name, path in self.images.items()
        ]

    def leave_out(self, unreadable: dict[str, str]) -> None:
        """Counts the images of {source path: sentence} among the missing ones."""
        for name, path in list(self.images.items()):
            if path in unreadable:
                self.missing[name] = unreadable[path]
                del self.images[name]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of which both images are there."""
        return [pair for pair in self.lists.pairs if all(name in self.images for name in pair)]

    def files(self, layout: Layout) -> dict[str, bytes]:
        """The contents of the split's two CSV files by name.

        Raises:
          InputError: no pair is left.
        """
        pairs = [",".join(map(self.stored_name, pair)) for pair in self.pairs]
        if not pairs:
            raise InputError(
                f"no pair of {self.lists.pairs_path!r} has both its images in the source: {self.split!r} "
                "would be empty"
            )
        rows = [
            f"{self.stored_name(name)}:{row}" for name, row in self.lists.rows.items() if name in self.images
        ]
        prefix = layout.prefixes[0]
        return {
            f"{prefix}-pairs-{self.split}.csv": _text(PAIRS_HEADER, pairs),
            f"{prefix}-annotation-{self.split}.csv": _text(ANNOTATION_HEADER, rows),
        }

    def summary(self) -> SplitSummary:
        """The split's counts."""
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
