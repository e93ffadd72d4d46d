"""`gfla demo`: trains the small model from scratch, evaluates it and writes a report."""

import itertools

from gfla_tf.console import clock, echo

HELP = "Train the small model from scratch, evaluate it and write a report."

_COUNTS = ("pairs", "rows", "mean_images")


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="settings to change, as for gfla train"
    )
    parser.add_argument(
        "-o", "--output", default="demo", metavar="FOLDER", help="the run folder to create (default: demo)"
    )
    parser.add_argument(
        "--config",
        default="demo",
        metavar="CONFIG",
        help="a YAML file, or the name of a shipped configuration: demo or synthetic (default: demo)",
    )
    parser.add_argument("--resume", action="store_true", help="resume an interrupted demo")
    parser.add_argument("--pairs", type=int, default=600, help="held-out pairs to evaluate (default: 600)")
    parser.add_argument("--rows", type=int, default=10, help="held-out pairs to show (default: 10)")
    parser.add_argument(
        "--mean-images", type=int, default=2000, help="training images in the mean image (default: 2000)"
    )


def run(args):
    """Runs the demo and prints the path of its report.

    Raises:
      InputError: the run folder is in use, or a setting is wrong.
    """
    import time

    from gfla_tf.cli.logs import load_tensorflow, show_log
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.config import find_config, load_config

    started = time.monotonic()
    config = load_config(find_config(args.config), args.overrides)
    _check(config, args)
    load_tensorflow()

    from gfla_tf.evaluation import TARGETS, targets_table
    from gfla_tf.evaluation.result import table_to_text
    from gfla_tf.report import report_run
    from gfla_tf.training.run import train
    from gfla_tf.training.run_folder import is_run

    show_log()
    try:
        trained = train(
            config, args.output, resume=args.resume, progress=progress_bar("rendering SyntheticPeople")
        )
    except KeyboardInterrupt:
        if is_run(args.output):
            echo(f"\nto resume: {_command(args)}")
        raise
    reported = report_run(
        trained.model,
        trained.dataset,
        args.output,
        title="People in new poses, learned from scratch",
        make_targets=TARGETS["demo"],
        pairs=args.pairs,
        rows=args.rows,
        mean_images=args.mean_images,
        progress=progress_bar("evaluating held-out people"),
        force=args.resume,
    )
    echo(reported.result.to_text())
    echo(table_to_text(targets_table(reported.targets)))
    echo(f"\nFinished in {clock(time.monotonic() - started)}. Report: {reported.report.resolve()}")
    return 0


def _command(args):
    """Returns the command line that resumes this demo."""
    from gfla_tf.commands import argument, command

    counts = [(f"--{name.replace('_', '-')}", str(getattr(args, name))) for name in _COUNTS]
    options = ["-o", argument(args.output), "--config", argument(args.config), *itertools.chain(*counts)]
    return command("demo", *args.overrides, *options, "--resume")


def _check(config, args):
    """Checks, before the training, what the evaluation needs.

    Raises:
      InputError: the data are photographs, without true flow, or a number is out of range.
    """
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.errors import InputError

    data = config.data
    if data.source != "synthetic":
        raise InputError(f"the demo needs SyntheticPeople: data.source must be synthetic, got {data.source}")
    for name in _COUNTS:
        if getattr(args, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(args, name)}")
    available = SyntheticPeople(identities={"test": data.test_identities}).num_pairs("test")
    if args.pairs > available:
        raise InputError(
            f"--pairs {args.pairs}: {data.test_identities} held-out people have {available} pairs; choose "
            "fewer, or increase data.test_identities"
        )
