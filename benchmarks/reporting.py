"""What the benchmarks of the operators share: their options, tables, targets, JSON and exit code."""

from __future__ import annotations

import argparse
import json
import operator
import sys
from dataclasses import asdict, dataclass, field

from benchmarks.environment import environment
from benchmarks.plot import figure
from benchmarks.timing import Times, markdown
from gfla_tf.errors import InputError
from gfla_tf.files import check_output, write_files
from gfla_tf.native import loader as native
from gfla_tf.viz import encode_png

DONE, MISSED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_AT = {"at least": operator.ge, "at most": operator.le}


@dataclass(frozen=True)
class Target:
    """A figure that is promised: `measured` is "at least" or "at most" `limit`."""

    name: str
    measured: float
    bound: str
    limit: float

    @property
    def met(self) -> bool:
        return _AT[self.bound](self.measured, self.limit)


@dataclass
class Report:
    """Collects what a benchmark measures, and prints it as it comes."""

    environment: dict
    tables: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    panels: list = field(default_factory=list)

    def start(self):
        print("; ".join(f"{name} {value}" for name, value in self.environment.items()), flush=True)

    def table(self, heading: str, head: list[str], rows: list[list[str]]):
        self.tables.append({"heading": heading, "head": head, "rows": rows})
        print(f"\n{heading}\n\n{markdown(head, rows)}", flush=True)

    def target(self, name: str, measured: float, bound: str, limit: float):
        self.targets.append(Target(name, measured, bound, limit))

    def panel(self, **panel):
        """One diagram of the plot: the arguments of `benchmarks.plot.figure`'s panels."""
        self.panels.append(panel)

    def show_targets(self):
        rows = [
            [one.name, f"{one.measured:.2f}", f"{one.bound} {one.limit:g}", "met" if one.met else "missed"]
            for one in self.targets
        ]
        if rows:
            self.table("Targets", ["", "measured", "target", ""], rows)

    def as_json(self) -> bytes:
        targets = [{**asdict(one), "met": one.met} for one in self.targets]
        content = {"environment": self.environment, "tables": self.tables, "targets": targets}
        return (json.dumps(content, indent=1) + "\n").encode()


def milliseconds(times: Times) -> str:
    """The median and the quartiles."""
    return f"{times.median * 1e3:.2f} ({times.low * 1e3:.2f} – {times.high * 1e3:.2f})"


def times_as_long(times: Times, baseline: Times) -> str:
    """A form's median and quartiles in medians of the baseline."""
    return "{:.2f} ({:.2f} – {:.2f})".format(
        *(value / baseline.median for value in (times.median, times.low, times.high))
    )


def run(doc: str, sections: dict, argv=None, quick_rounds: int = 3, rounds: int = 12) -> int:
    """A benchmark's command line: measures its sections and returns the exit code.

    Args:
      doc: the module's docstring; its first line is the description.
      sections: {name: function (report, args)}; `args.rounds` is the number of measured rounds, `args.quick`
        and `args.shrink` are the options of these names.
      argv: the command line's words; None: the process's own.
      quick_rounds, rounds: with --quick and without.

    Returns:
      0 done; with --check 1 where a target is missed; 2 bad input; 130 interrupted.
    """
    args = _parse(doc, sections, argv)
    args.rounds = quick_rounds if args.quick else rounds
    outputs = [path for path in (args.json, args.plot) if path]
    try:
        reason = native.unavailable_reason()
        if args.check and reason is not None:
            raise InputError(f"--check needs the compiled operators, and they cannot run: {reason}")
        for path in outputs:
            check_output(path, args.force)
        report = Report(environment())
        report.start()
        for name in args.only or sections:
            sections[name](report, args)
        report.show_targets()
        contents = {args.json: report.as_json()} if args.json else {}
        if args.plot:
            if not report.panels:
                raise InputError("--plot has nothing to draw: the sections named by --only measure no curve")
            contents[args.plot] = encode_png(figure(report.panels))
        write_files(contents, args.force)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return MISSED if args.check and not all(target.met for target in report.targets) else DONE


def _parse(doc, sections, argv):
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=sections, metavar="SECTION", help=", ".join(sections))
    parser.add_argument("--quick", action="store_true", help="few rounds, batch 1")
    parser.add_argument("--shrink", type=_positive, default=1, metavar="N", help="divide heights and widths")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a target is missed")
    parser.add_argument("--json", metavar="FILE", help="write tables and targets")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the curves")
    parser.add_argument("--force", action="store_true", help="replace FILE and FILE.png")
    return parser.parse_args(argv)


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value
