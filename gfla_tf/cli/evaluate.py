"""`gfla evaluate`: metrics of a trained model on held-out people."""

import os
import sys
from pathlib import Path

from gfla_tf.cli import arguments
from gfla_tf.console import echo
from gfla_tf.errors import InputError

HELP = "Evaluate a trained model on held-out people."

_TARGETS = ("demo", "synthetic")
_SYNTHETIC = "synthetic"
_PAIRS = 600


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a .keras file, or the folder of a run or a preset (default: the shipped model)",
    )
    parser.add_argument(
        "--data",
        default=_SYNTHETIC,
        metavar="FOLDER",
        help="a data folder or its shards, whose test pairs are evaluated by image metrics (default: "
        "SyntheticPeople)",
    )
    parser.add_argument(
        "--layout",
        choices=arguments.LAYOUTS,
        help="layout of --data (default: auto-detected)",
    )
    parser.add_argument(
        "--config",
        metavar="CONFIG",
        help="configuration of SyntheticPeople (default: that of the run folder --model, otherwise seed 0)",
    )
    parser.add_argument(
        "--pairs", type=int, help=f"number of held-out pairs (default: {_PAIRS}; with --data, all)"
    )
    parser.add_argument("--batch-size", type=int, default=20, help="pairs per batch (default: 20)")
    parser.add_argument(
        "--mean-images", type=int, default=2000, help="training images in the mean image (default: 2000)"
    )
    parser.add_argument("--no-classical", action="store_true", help="omit OpenCV's DIS and Farneback")
    parser.add_argument(
        "--targets", choices=_TARGETS, help="check these targets; the exit code is 1 if one is missed"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("-o", "--output", metavar="JSON", help="write the metrics to this file")
    parser.add_argument("--report", action="store_true", help="write report.html to the run folder --model")
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)


def run(args):
    """Evaluates a model and prints the tables; returns 0, or 1 if a target was missed.

    Raises:
      InputError: the model, the configuration or an output cannot be used, or a number is out of range.
    """
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.evaluation import targets_table
    from gfla_tf.evaluation.result import table_to_markdown, table_to_text
    from gfla_tf.files import check_output, write_files

    if args.mean_images < 1:
        raise InputError(f"--mean-images must be at least 1, got {args.mean_images}")
    synthetic = args.data == _SYNTHETIC
    if not synthetic and (args.report or args.targets or args.config):
        raise InputError(
            "--report, --targets and --config need SyntheticPeople, whose true flow is known: omit them with "
            "--data FOLDER"
        )
    if args.report and not (args.model and os.path.isdir(args.model)):
        raise InputError("--report writes to a run folder: name one with --model")
    if args.targets and args.no_classical:
        raise InputError("--targets compares with the classical flows: omit --no-classical")
    if args.output:
        check_output(args.output, args.force)
    result, targets = _evaluate_synthetic(args) if synthetic else (_evaluate_photographs(args), [])
    echo(result.to_markdown() if args.markdown else result.to_text(), end="")
    if targets:
        table = targets_table(targets)
        echo("\n" + (table_to_markdown(table) if args.markdown else table_to_text(table)))
    if args.output:
        write_files({args.output: result.to_json().encode()}, args.force)
    return 0 if all(target.met for target in targets) else 1


def _evaluate_photographs(args):
    """Evaluates the pairs of --data."""
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.data.opening import open_pairs
    from gfla_tf.evaluation import evaluate_photographs
    from gfla_tf.models.loading import load_generator

    model = load_generator(args.model)
    return evaluate_photographs(
        model,
        open_pairs(args.data, model.image_size, model.heatmap_sigma, args.layout),
        pairs=args.pairs,
        mean_images=args.mean_images,
        batch_size=args.batch_size,
        progress=progress_bar("evaluating held-out pairs"),
    )


def _evaluate_synthetic(args):
    """Evaluates pairs of SyntheticPeople and, if requested, writes the report; returns result and targets."""
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.evaluation import TARGETS, evaluate_synthetic, mean_target
    from gfla_tf.models.loading import load_generator
    from gfla_tf.report import report_run

    config = _data_config(args)
    model = load_generator(args.model)
    dataset = SyntheticPeople(
        image_size=model.image_size,
        seed=config.seed,
        identities={"train": config.identities, "test": config.test_identities},
        heatmap_sigma=model.heatmap_sigma,
    )
    options = {
        "pairs": _PAIRS if args.pairs is None else args.pairs,
        "batch_size": args.batch_size,
        "classical": not args.no_classical,
        "progress": progress_bar("evaluating held-out people"),
    }
    make_targets = TARGETS[args.targets] if args.targets else None
    if args.report:
        reported = report_run(
            model, dataset, args.model, title="People in new poses", make_targets=make_targets,
            mean_images=args.mean_images, force=args.force, **options,
        )  # fmt: skip
        result = reported.result
        echo(f"gfla: wrote {reported.report}", stream=sys.stderr)
    else:
        mean_image, mean_images = mean_target(dataset, args.mean_images)
        result = evaluate_synthetic(
            model, dataset, mean_image=mean_image, train_images_for_mean=mean_images, **options
        )
    return result, make_targets(result) if make_targets else []


def _data_config(args):
    """The settings of SyntheticPeople: from --config, else from the run folder --model, else the defaults."""
    from gfla_tf.config import DataConfig, find_config, load_config

    path = find_config(args.config) if args.config else None
    if path is None and args.model is not None and (Path(args.model) / "config.yaml").is_file():
        path = Path(args.model) / "config.yaml"
    config = load_config(path).data if path is not None else DataConfig()
    if config.source != "synthetic":
        raise InputError(
            f"{path} uses {config.source}, but true flow and visibility are known only for SyntheticPeople: "
            "name a configuration with data.source: synthetic, or evaluate images with --data FOLDER"
        )
    return config
