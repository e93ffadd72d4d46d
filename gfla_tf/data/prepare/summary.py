"""The summary of a preparation, compared with the published counts: `summary.json` and terminal output."""

from __future__ import annotations

import dataclasses

from gfla_tf.data.protocol import Protocol
from gfla_tf.documents import format_json

PUBLISHED = {
    "deepfashion": {"train": (48_674, 101_966), "test": (4_038, 8_570)},
    "market1501": {"train": (12_936, 263_632), "test": (19_732, 12_000)},
}
"""By layout and split: the numbers of images (for Market-1501, of the original dataset) and pairs of the
lists in use since PATN (Zhu et al., CVPR 2019).
"""

_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class SplitSummary:
    """Counts of one split.

    Attributes:
      images, pairs: numbers of prepared images and pairs.
      listed_images, listed_pairs: numbers of images and pairs in the lists.
      source_images: number of images in the original dataset, of both splits for DeepFashion.
      missing: names of listed images that are missing in the source or cannot be read.
    """

    images: int
    pairs: int
    listed_images: int
    listed_pairs: int
    source_images: int
    missing: list[str]


@dataclasses.dataclass(frozen=True)
class Summary:
    """A finished preparation.

    Attributes:
      protocol: how the images were prepared.
      splits: the counts of each split.
      kept: the number of images that had been prepared before.
    """

    protocol: Protocol
    splits: dict[str, SplitSummary]
    kept: int

    def differences(self) -> list[str]:
        """Returns one message per count that differs from the published one."""
        sentences = []
        for split, one in self.splits.items():
            images, pairs = PUBLISHED[self.protocol.layout][split]
            market = self.protocol.layout == "market1501"
            found = one.source_images if market else one.listed_images
            subject = "the source has" if market else "the lists have"
            for what, count, known, where in (
                ("images", found, images, subject),
                ("pairs", one.listed_pairs, pairs, "the lists have"),
            ):
                if count != known:
                    sentences.append(f"{where} {count:,} {split} {what}, and {known:,} were published")
        return sentences

    def to_text(self) -> str:
        """Returns the summary as lines of text."""
        lines = [f"  {self.protocol.describe()}"]
        for split, one in self.splits.items():
            lines.append(f"  {split}: {one.images:,} images, {one.pairs:,} pairs")
            if one.missing:
                names = ", ".join(one.missing[:3]) + (", …" if len(one.missing) > 3 else "")
                pairs = one.listed_pairs - one.pairs
                lines.append(f"    skipped: {len(one.missing):,} images ({names}) and their {pairs:,} pairs")
        lines += [f"  note: {sentence}" for sentence in self.differences()]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Returns the content of `summary.json`, with the names of the first twenty missing images."""
        splits = {}
        for split, one in self.splits.items():
            missing = {"missing_images": len(one.missing), "missing": one.missing[:_SHOWN]}
            splits[split] = {**dataclasses.asdict(one), **missing}
        document = {"protocol": self.protocol.to_dict(), "splits": splits, "differences": self.differences()}
        return format_json(document)
