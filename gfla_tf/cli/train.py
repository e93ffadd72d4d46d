"""`gfla train`: both stages of one configuration, into a run folder."""

HELP = "train stage 1 (F), then stage 2 (F, G, D), into a run folder"


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "config",
        metavar="CONFIG",
        nargs="?",
        help="a YAML file, or synthetic, demo, fashion, market; with --resume: the run's own unless given",
    )
    parser.add_argument(
        "overrides",
        metavar="key=value",
        nargs="*",
        help="settings to change, e.g. stage1.epochs=3 data.root=FOLDER",
    )
    parser.add_argument(
        "-o", "--out", metavar="FOLDER", help="the run folder (default: runs/<name of CONFIG>)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in the folder; stage2.epochs=N (and stage1's before stage 2 began) may grow",
    )


def run(args):
    """Trains, or goes on training, and says how to go on if it is interrupted.

    Raises:
      InputError: a configuration, folder, data or weights that cannot be used.
    """
    from gfla_tf.config import load_config

    path, overrides, folder = _what(args)
    config = load_config(path, overrides)

    from gfla_tf.cli.logs import load_tensorflow, show_log

    load_tensorflow()
    show_log()

    from gfla_tf.training.run import train

    try:
        train(config, folder, resume=args.resume)
    except KeyboardInterrupt:
        print(f"\nto go on: gfla train --resume -o {folder}", flush=True)
        raise


def _what(args):
    """(configuration file, overrides, run folder) of the command line.

    Raises:
      InputError: no configuration is named, and none is there to resume.
    """
    from pathlib import Path

    from gfla_tf.config import find_config
    from gfla_tf.errors import InputError

    name, overrides = args.config, args.overrides
    if name is not None and "=" in name and not Path(name).exists():
        name, overrides = None, [name, *overrides]
    if name is not None:
        path = find_config(name)
        return path, overrides, Path(args.out) if args.out else Path("runs") / path.stem
    if not args.resume:
        raise InputError(
            "name a configuration: gfla train CONFIG, where CONFIG is a YAML file or synthetic, fashion, ..."
        )
    if not args.out:
        raise InputError("name the run folder to go on with: gfla train --resume -o FOLDER")
    path = Path(args.out) / "config.yaml"
    if not path.is_file():
        raise InputError(f"there is no run to resume in {args.out}")
    return path, overrides, Path(args.out)
