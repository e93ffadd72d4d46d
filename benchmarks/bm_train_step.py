"""Time and memory of training steps, compared with a lower bound computed from their convolutions.

    python -m benchmarks.bm_train_step --check
    python -m benchmarks.bm_train_step --only stage2 --preset market --profile
    python -m benchmarks.bm_train_step --only stage2 --preset synthetic --precision mixed_bfloat16

Every case runs in a new process, with the optimizers of `gfla train` and the random VGG19, whose cost is that
of the trained one. The lower bound ("floor") is the number of operations in the convolutions of the step and
of its gradients, counted in the graph, divided by the rate that a 3 x 3 convolution of 256 channels reaches
on a 64 x 64 map in the same process, between the steps. The first step includes tracing. Memory is relative
to the process after its imports.
"""

from __future__ import annotations

import sys
from collections import Counter

from benchmarks import steps
from benchmarks.children import alone
from benchmarks.environment import cores
from benchmarks.reporting import milliseconds, run
from benchmarks.steps import FORWARD, STAGE1, STAGE2, Case
from gfla_tf.models.presets import PRESETS

CASES = {
    STAGE2: [("market", 8), ("fashion", 2), ("synthetic", 8)],
    STAGE1: [("market", 8), ("fashion", 2)],
    FORWARD: [("fashion", 1)],
}
HEADINGS = {
    STAGE2: "Stage 2: a step of GFLATrainer",
    STAGE1: "Stage 1: a step of FlowTrainer",
    FORWARD: "F + G: PersonImageGenerator, forward",
}
HEAD = [
    "",
    "GFLOP",
    "GFLOP / s",
    "floor, ms",
    "ms",
    "/ floor",
    "first, s",
    "first, s *",
    "peak, GiB",
    "then, GiB",
]
REFERENCE = 218e9  # operations per second; * is the first step at this rate of the convolution
GIB = 2**30

# Largest step / floor, seconds of the first step, and peak memory in GiB.
TARGETS = {
    (STAGE2, "market"): {"/ floor": 1.22, "first step, s": 9, "peak, GiB": 1.1},
    (STAGE2, "fashion"): {"/ floor": 1.22, "first step, s": 9, "peak, GiB": 1.7},
    (STAGE1, "market"): {"/ floor": 1.25},
    (FORWARD, "fashion"): {"/ floor": 1.2},
}
SHOWN = 20  # rows of a profile


def _section(kind):
    def section(report, args):
        rows = []
        for case in _cases(kind, args):
            measured = alone(steps.measure, case, args.rounds, threads=cores(), side_by_side=cores())
            rows.append(_row(case, measured))
            _add_targets(report, case, measured)
        if rows:
            report.table(HEADINGS[kind], HEAD, rows)
        for case in _cases(kind, args) if args.profile else []:
            executed, operations = alone(steps.profile, case, 3 if args.quick else 5, threads=cores())
            head = ["", "operators", "ms", "share", "GFLOP / s"]
            report.table(f"{HEADINGS[kind]}, {case.label}: profile", head, profile_rows(executed, operations))

    return section


def _cases(kind, args):
    for preset, batch in CASES[kind]:
        if args.preset is None or preset in args.preset:
            yield Case(kind, preset, 1 if args.quick else batch, args.precision, args.jit, args.shrink)


def _row(case, measured):
    return [
        case.label,
        f"{measured.operations / 1e9:.1f}",
        f"{measured.rate / 1e9:.0f}",
        f"{measured.floor * 1e3:.1f}",
        milliseconds(measured.step),
        f"{measured.ratio:.2f}",
        f"{measured.first:.1f}",
        f"{measured.first * measured.rate / REFERENCE:.1f}",
        f"{measured.peak / GIB:.2f}",
        f"{measured.resident / GIB:.2f}",
    ]


def _add_targets(report, case, measured):
    values = {
        "/ floor": measured.ratio,
        "first step, s": measured.first,
        "peak, GiB": measured.peak / GIB,
    }
    for name, limit in TARGETS.get((case.kind, case.preset), {}).items():
        report.target(f"{case.kind}, {case.label}: {name}", values[name], "at most", limit)


def profile_rows(executed: dict, operations: dict) -> list[list[str]]:
    """The rows of a profile, by the network and pass of convolutions and by the kind of other operators.

    Args:
      executed: {(name, kind): (executions, seconds)}.
      operations: {(name, kind): additions and multiplications}.
    """
    count, seconds, work = Counter(), Counter(), Counter()
    for (name, kind), (executions, took) in executed.items():
        count[part_of(name, kind)] += executions
        seconds[part_of(name, kind)] += took
    for (name, kind), one in operations.items():
        work[part_of(name, kind)] += one
    total = sum(seconds.values())
    shown = [part for part, _ in seconds.most_common(SHOWN)]
    others = [part for part in seconds if part not in shown]
    rows = [
        [
            part,
            f"{count[part]:.0f}",
            f"{seconds[part] * 1e3:.2f}",
            f"{seconds[part] / total:.1%}",
            f"{work[part] / seconds[part] / 1e9:.0f}" if work[part] else "–",
        ]
        for part in shown
    ]
    if others:
        number, took = sum(count[part] for part in others), sum(seconds[part] for part in others)
        rows.append(["the rest", f"{number:.0f}", f"{took * 1e3:.2f}", f"{took / total:.1%}", "–"])
    return rows


def part_of(name: str, kind: str) -> str:
    """The row of an operator in a profile."""
    if "Conv2D" not in kind:
        return kind.lstrip("_").removeprefix("Mkl").removeprefix("Native")
    if "Filter" in kind:
        which = "gradients of the weights"
    else:
        which = "gradients of the input" if "gradient_tape" in name else "forward"
    if "res_discriminator" in name:
        return f"convolutions of D, {which}"
    of_f_and_g = "person_image_generator" in name or "flow_field_estimator" in name
    return f"convolutions of {'F, G' if of_f_and_g else 'VGG19'}, {which}"


def _add_options(parser):
    parser.add_argument("--preset", nargs="+", choices=PRESETS, help="presets to measure; by default all")
    parser.add_argument("--profile", action="store_true", help="print the times of operators as well")
    precisions = ("float32", "mixed_bfloat16", "mixed_float16")
    parser.add_argument("--precision", choices=precisions, default="float32", help="precision of F, G and D")
    parser.add_argument("--jit", action="store_true", help="compile the steps with XLA")


SECTIONS = {kind: _section(kind) for kind in CASES}


def main(argv=None) -> int:
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv, options=_add_options)


if __name__ == "__main__":
    sys.exit(main())
