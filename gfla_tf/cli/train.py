"""`gfla train`: both stages of one configuration, into a run folder."""

HELP = "train stage 1 (F), then stage 2 (F, G, D), into a run folder"


def add_arguments(parser):
    parser.add_argument("config", metavar="CONFIG", help="a YAML file, or synthetic, demo, fashion, market")
    parser.add_argument(
        "overrides", metavar="key=value", nargs="*", help="settings to change, e.g. stage1.epochs=3 data.root=FOLDER"
    )
    parser.add_argument("-o", "--out", metavar="FOLDER", help="the run folder (default: runs/<name of CONFIG>)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in the folder")


def run(args):
    from pathlib import Path

    from gfla_tf.config import find_config, load_config

    path = find_config(args.config)
    config = load_config(path, args.overrides)
    folder = Path(args.out) if args.out else Path("runs") / path.stem

    from gfla_tf.cli.logs import show_log
    from gfla_tf.training.run import train

    show_log()
    try:
        train(config, folder, resume=args.resume)
    except KeyboardInterrupt:
        print(f"\ninterrupted; go on with: gfla train {args.config} -o {folder} --resume", flush=True)
        raise
