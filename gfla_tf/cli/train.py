"""The command `gfla train`."""

import argparse
from pathlib import Path

from gfla_tf.console import echo

HELP = "Train stage 1 (F), then stage 2 (F, G and D)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command to a parser."""
    parser.add_argument(
        "config",
        metavar="CONFIG",
        nargs="?",
        help="a YAML file, or the name of a shipped configuration: demo, fashion, market or synthetic; "
        "with --resume, the default is the configuration of the run",
    )
    parser.add_argument(
        "overrides",
        metavar="KEY=VALUE",
        nargs="*",
        help="settings to override, for example stage1.epochs=3 data.root=FOLDER",
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="the run folder (default: runs/<name of CONFIG>)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in the folder from its last checkpoint; the number of epochs can be increased "
        "by stage2.epochs=N, or by stage1.epochs=N until stage 2 has started",
    )
    parser.add_argument(
        "--replay",
        metavar="FILE",
        help="compute a failed step again, from the file that its run wrote, and print its losses, gradient "
        "norms, and the first operation whose result is not finite; nothing is trained",
    )


def run(args: argparse.Namespace) -> None:
    """Trains a new run or resumes one, or replays a failed step.

    Raises:
      InputError: the configuration, folder, data or weights are missing or invalid.
    """
    if args.replay is not None:
        _replay(args)
        return
    from gfla_tf.config import load_config

    path, overrides, folder = _resolve(args)
    config = load_config(path, overrides)

    from gfla_tf.cli.logs import load_tensorflow, show_log
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.commands import argument, command

    load_tensorflow()
    show_log()

    from gfla_tf.training.run import train
    from gfla_tf.training.run_folder import is_run

    try:
        train(config, folder, resume=args.resume, progress=progress_bar("rendering SyntheticPeople"))
    except KeyboardInterrupt:
        if is_run(folder):
            echo(f"\nto resume: {command('train', '--resume', '-o', argument(folder))}")
        raise


def _replay(args: argparse.Namespace) -> None:
    """Prints what `replay` finds.

    Raises:
      InputError: the file cannot be read, or other arguments are given.
    """
    from gfla_tf.errors import InputError

    if args.config is not None or args.resume or args.output is not None:
        raise InputError("--replay FILE is used alone: the file contains the configuration")

    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.training.replay import replay

    for line in replay(args.replay):
        echo(line)


def _resolve(args: argparse.Namespace) -> tuple[Path, list[str], Path]:
    """Returns (configuration file, overrides, run folder).

    Raises:
      InputError: no configuration and no run to resume is given.
    """
    from gfla_tf.config import find_config
    from gfla_tf.errors import InputError
    from gfla_tf.files.names import stem

    name, overrides = args.config, args.overrides
    if name is not None and "=" in name and not Path(name).exists():
        name, overrides = None, [name, *overrides]
    if name is not None:
        path = find_config(name)
        return path, overrides, Path(args.output) if args.output else Path("runs") / stem(path)
    if not args.resume:
        raise InputError(
            "a configuration is required: gfla train CONFIG, where CONFIG is a YAML file or demo, fashion, "
            "market or synthetic"
        )
    if not args.output:
        raise InputError("the run folder is required: gfla train --resume -o FOLDER")
    path = Path(args.output) / "config.yaml"
    if not path.is_file():
        raise InputError(f"{args.output} contains no run to resume")
    return path, overrides, Path(args.output)
