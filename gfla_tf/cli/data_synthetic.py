"""`gfla data synthetic`: renders SyntheticPeople into a dataset folder."""

from gfla_tf.cli import arguments
from gfla_tf.console import echo

HELP = "Render SyntheticPeople into a folder in the layout of a real dataset."

_SIZES = {"deepfashion": (256, 176), "market1501": (128, 64)}


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="the folder to create")
    parser.add_argument(
        "--layout",
        choices=sorted(_SIZES),
        default="deepfashion",
        help="(default: deepfashion)",
    )
    parser.add_argument(
        "--identities",
        type=arguments.whole(1),
        default=500,
        metavar="N",
        help="number of people in the train split (default: 500)",
    )
    parser.add_argument(
        "--test-identities",
        type=arguments.whole(1),
        default=50,
        metavar="N",
        help="number of people in the test split (default: 50)",
    )
    parser.add_argument(
        "--size",
        type=arguments.size,
        metavar="HxW",
        help="height x width of the images (default: 256x176, market1501 128x64)",
    )
    parser.add_argument(
        "--seed",
        type=arguments.whole(0),
        default=0,
        metavar="S",
        help="random seed (default: 0)",
    )
    parser.add_argument(
        "--workers", type=arguments.whole(0), default=2, metavar="N", help="number of processes (default: 2)"
    )
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)


def run(args):
    """Renders the folder and prints the command that trains on it.

    Raises:
      InputError: the folder is not empty or cannot be written.
    """
    from pathlib import Path

    from gfla_tf.commands import training_command
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.data.layout import LAYOUTS
    from gfla_tf.errors import InputError
    from gfla_tf.files.names import names_in
    from gfla_tf.synthetic import write_folder

    size = args.size or _SIZES[args.layout]
    identities = {"train": args.identities, "test": args.test_identities}
    people = SyntheticPeople(size, seed=args.seed, identities=identities)
    out = Path(args.output)
    if args.force and out.is_dir() and names_in(out) and not any(out.glob("*-pairs-*.csv")):
        raise InputError(f"--force overwrites dataset folders, and {out} is not one: choose a new folder")
    try:
        write_folder(
            out, people, args.layout, force=args.force, workers=args.workers, progress=_progress(people)
        )
    except OSError as error:
        raise InputError(f"cannot write the folder {out}: {error.strerror or error}") from error
    pairs = ", ".join(f"{people.num_pairs(split)} {split} pairs" for split in identities)
    echo(f"{out}: {pairs}.")
    echo(f"Train on it with: {training_command(LAYOUTS[args.layout].configuration, out)}")


def _progress(people):
    """Returns a progress display that starts a new bar for each split."""
    from gfla_tf.cli.progress import progress_bar

    labels = iter(people.identities)
    bar = None

    def show(done, total):
        nonlocal bar
        if done == 1:
            bar = progress_bar(f"rendering {next(labels)} people")
        bar(done, total)

    return show
