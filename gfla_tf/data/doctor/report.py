"""The report of the validation of a data folder, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from gfla_tf.data.doctor.checks import CHECKS, ERROR, WARNING, Fault
from gfla_tf.data.doctor.tables import Tables
from gfla_tf.data.layout import Layout
from gfla_tf.data.protocol import Protocol

_SCHEMA = 1


@dataclass(frozen=True)
class SplitSummary:
    """Counts of a split: annotated images, pairs, identities in the names, and images that were read."""

    images: int
    pairs: int
    identities: int
    read: int


@dataclass(frozen=True)
class Report:
    """The result of `check_folder`.

    Attributes:
      folder: the path of the folder.
      layout: its layout.
      splits: {"train" | "test": `SplitSummary`}.
      faults: all faults that were found.
      tables: {split: the contents of its CSV files}, for the sheet of images.
      protocol: how the images were prepared, None if that is not recorded.
      decoded: whether the images were decoded.
      seconds: duration of the validation.
    """

    folder: str
    layout: Layout
    splits: dict[str, SplitSummary]
    faults: list[Fault]
    tables: dict[str, Tables]
    protocol: Protocol | None
    decoded: bool
    seconds: float

    def count(self, severity: str) -> int:
        """Returns the number of faults of a severity, "error" or "warning"."""
        return sum(fault.severity == severity for fault in self.faults)

    @property
    def trains(self) -> bool:
        """Whether there is no error, that is, no fault that would stop or degrade training."""
        return not self.count(ERROR)

    def to_dict(self) -> dict[str, Any]:
        """Returns the report that `gfla data check --json` writes (see docs/data.md)."""
        kinds = Counter(fault.check for fault in self.faults)
        return {
            "schema": _SCHEMA,
            "folder": self.folder,
            "layout": self.layout.name,
            "trains": self.trains,
            "errors": self.count(ERROR),
            "warnings": self.count(WARNING),
            "splits": {split: asdict(summary) for split, summary in self.splits.items()},
            "decoded": self.decoded,
            "seconds": round(self.seconds, 3),
            "protocol": None if self.protocol is None else self.protocol.to_dict(),
            "checks": {check: kinds[check] for check in CHECKS},
            "faults": [fault.to_dict() for fault in self.faults],
        }

    def to_text(self, examples: int = 3) -> str:
        """Returns the report as text: per kind of fault the number, the first `examples` and the remedy."""
        lines = [f"{self.folder}: {self.layout.name}"]
        for split, summary in self.splits.items():
            people = f" of {summary.identities:,} people" if summary.identities else ""
            lines.append(f"  {split:5}  {summary.images:,} images{people}, {summary.pairs:,} pairs")
        lines.append(f"  {self._reading()}")
        if len(self.splits) == 1:
            lines.append("  one split only: faults between the splits were not checked")
        lines.append(f"  protocol: {self.protocol.describe() if self.protocol else 'not recorded'}")
        for check, about in CHECKS.items():
            for severity in (ERROR, WARNING):
                group = [fault for fault in self.faults if (fault.check, fault.severity) == (check, severity)]
                if group:
                    lines += ["", f"{severity}: {about.title}: {len(group):,}"]
                    lines += [f"  {fault.sentence}" for fault in group[:examples]]
                    if len(group) > examples:
                        lines.append(f"  ... and {len(group) - examples:,} more")
                    lines.append(f"  -> {about.advice}")
        return "\n".join([*lines, "", self._verdict()])

    def _reading(self) -> str:
        read = sum(summary.read for summary in self.splits.values())
        images = sum(summary.images for summary in self.splits.values())
        how = "decoded" if self.decoded else "header and completeness (--decode also decodes the pixels)"
        return f"{read:,} of {images:,} images read in {self.seconds:.1f} s: {how}"

    def _verdict(self) -> str:
        errors, warnings = self.count(ERROR), self.count(WARNING)
        counts = f"{_number(errors, 'error')}, {_number(warnings, 'warning')}"
        if errors:
            return f"{counts}: training would fail or be degraded"
        if warnings:
            return f"{counts}: the folder can be used for training"
        return "no faults"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
