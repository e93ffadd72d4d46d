"""Command line, tables, targets and output files shared by the benchmarks."""

from __future__ import annotations

import argparse
import json
import operator
import sys
from dataclasses import asdict, dataclass, field

from benchmarks.environment import environment
from benchmarks.plot import plot
from benchmarks.timing import Times, markdown
from gfla_tf.errors import InputError
from gfla_tf.files import check_output, write_files
from gfla_tf.images.io import encode_image
from gfla_tf.native import loader as native

DONE, MISSED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_AT = {"at least": operator.ge, "at most": operator.le}


@dataclass(frozen=True)
class Target:
    """A target: `measured` must be "at least" or "at most" `limit`."""

    name: str
    measured: float
    bound: str
    limit: float

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return _AT[self.bound](self.measured, self.limit)


@dataclass
class Report:
    """Collects the results of a benchmark and prints each table when it is complete."""

    environment: dict
    tables: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    panels: list = field(default_factory=list)

    def start(self):
        """Prints the environment."""
        print("; ".join(f"{name} {value}" for name, value in self.environment.items()), flush=True)

    def table(self, heading: str, head: list[str], rows: list[list[str]]):
        """Adds and prints a table."""
        self.tables.append({"heading": heading, "head": head, "rows": rows})
        print(f"\n{heading}\n\n{markdown(head, rows)}", flush=True)

    def target(self, name: str, measured: float, bound: str, limit: float):
        """Adds a target; see `Target`."""
        self.targets.append(Target(name, measured, bound, limit))

    def panel(self, **panel):
        """Adds a panel to the plot; see `benchmarks.plot.plot`."""
        self.panels.append(panel)

    def show_targets(self):
        """Adds and prints the table of the targets, if there are any."""
        rows = [
            [one.name, f"{one.measured:.2f}", f"{one.bound} {one.limit:g}", "met" if one.met else "missed"]
            for one in self.targets
        ]
        if rows:
            self.table("Targets", ["", "measured", "target", ""], rows)

    def as_json(self) -> bytes:
        """The content of the file written by --json."""
        targets = [{**asdict(one), "met": one.met} for one in self.targets]
        content = {"environment": self.environment, "tables": self.tables, "targets": targets}
        return (json.dumps(content, indent=1) + "\n").encode()


def milliseconds(times: Times) -> str:
    """The median and the quartiles in milliseconds, as text."""
    return f"{times.median * 1e3:.2f} ({times.low * 1e3:.2f} – {times.high * 1e3:.2f})"


def times_as_long(times: Times, baseline: Times) -> str:
    """The median and the quartiles, divided by the median of the baseline, as text."""
    return "{:.2f} ({:.2f} – {:.2f})".format(
        *(value / baseline.median for value in (times.median, times.low, times.high))
    )


def run(doc: str, sections: dict, argv=None, quick_rounds: int = 3, rounds: int = 12, options=None) -> int:
    """Runs the command line of a benchmark.

    Args:
      doc: the module's docstring, whose first line is the description.
      sections: {name: function (report, args)}; `args.rounds` is the number of measured rounds, and
        `args.quick` and `args.shrink` are the options of these names.
      argv: the arguments; by default those of the process.
      quick_rounds: number of rounds with --quick.
      rounds: number of rounds without it.
      options: a function that adds the benchmark's own options to an `argparse.ArgumentParser`, or None.

    Returns:
      The exit code: 0 for success, 1 if --check is given and a target is missed, 2 for invalid arguments, 130
      for an interruption.
    """
    args = _parse(doc, sections, argv, options)
    args.rounds = quick_rounds if args.quick else rounds
    outputs = [path for path in (args.json, args.plot) if path]
    try:
        reason = native.unavailable_reason()
        if args.check and reason is not None:
            raise InputError(f"--check requires the compiled operators, which are not available: {reason}")
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
                raise InputError("--plot requires a section that measures a curve")
            contents[args.plot] = encode_image("plot.png", plot(report.panels))
        write_files(contents, args.force)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return MISSED if args.check and not all(target.met for target in report.targets) else DONE


def _parse(doc, sections, argv, options):
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=sections,
        metavar="SECTION",
        help=f"sections to run: {', '.join(sections)}",
    )
    parser.add_argument("--quick", action="store_true", help="use few rounds and batch size 1")
    parser.add_argument("--shrink", type=_positive, default=1, metavar="N", help="divide heights and widths")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a target is missed")
    parser.add_argument("--json", metavar="FILE", help="write tables and targets")
    parser.add_argument("--plot", metavar="FILE.png", help="write a plot of the curves")
    parser.add_argument("--force", action="store_true", help="overwrite existing outputs")
    if options is not None:
        options(parser)
    return parser.parse_args(argv)


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value
