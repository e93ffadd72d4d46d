"""What the doctor found: as text, and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from gfla_tf.data.doctor.checks import CHECKS, ERROR, WARNING, Fault
from gfla_tf.data.doctor.tables import Tables
from gfla_tf.data.layout import Layout
from gfla_tf.data.protocol import Protocol

_SCHEMA = 1


@dataclass(frozen=True)
class SplitSummary:
    """Numbers of a split: rows of its annotation file, pairs, people told by their names, images read."""

    images: int
    pairs: int
    identities: int
    read: int


@dataclass(frozen=True)
class Report:
    """The result of `check_folder`.

    Attributes:
      folder, layout: what was checked, and as what.
      splits: {"train" | "test": `SplitSummary`}.
      faults: all that was found.
      tables: {split: what its CSV files hold}, for drawing.
      protocol: how the images were made, where that is recorded.
      decoded: whether the images read were decoded.
      seconds: that it took.
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
        """How many faults are of "error" or of "warning"."""
        return sum(fault.severity == severity for fault in self.faults)

    @property
    def trains(self) -> bool:
        """Whether nothing was found over which training would fail or learn from something wrong."""
        return not self.count(ERROR)

    def to_dict(self) -> dict:
        """JSON-ready: the report that `gfla data check --json` writes (docs/data.md says what it holds)."""
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
        """The summary: each kind of fault with its number, the first `examples` and what to do."""
        lines = [f"{self.folder}: {self.layout.name}"]
        for split, summary in self.splits.items():
            people = f" of {summary.identities:,} people" if summary.identities else ""
            lines.append(f"  {split:5}  {summary.images:,} images{people}, {summary.pairs:,} pairs")
        lines.append(f"  {self._reading()}")
        if len(self.splits) == 1:
            lines.append("  one split only: nothing that lies across the splits was looked for")
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
        there = sum(summary.images for summary in self.splits.values())
        how = "decoded" if self.decoded else "header and completeness (--decode decodes the pixels too)"
        return f"{read:,} of {there:,} images read in {self.seconds:.1f} s: {how}"

    def _verdict(self) -> str:
        errors, warnings = self.count(ERROR), self.count(WARNING)
        told = f"{_number(errors, 'error')}, {_number(warnings, 'warning')}"
        if errors:
            return f"{told}: training would fail, or learn from something wrong"
        if warnings:
            return f"{told}: it trains"
        return "no faults"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
