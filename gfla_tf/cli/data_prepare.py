"""`gfla data prepare`: converts an original (downloaded) dataset to the layout used for training."""

from gfla_tf.cli import arguments
from gfla_tf.console import echo

HELP = "Convert the original DeepFashion or Market-1501 dataset for training."

_INTERPOLATIONS = ("pil-bilinear", "pil-bicubic", "area")


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("dataset", choices=arguments.LAYOUTS, help="the dataset")
    parser.add_argument(
        "source",
        metavar="SRC",
        help="the folder with the unzipped images (img_highres; bounding_box_train and _test) and the lists",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="the folder to create")
    parser.add_argument(
        "--lists", metavar="FOLDER", help="the folder of the CSV and .lst files (default: SRC)"
    )
    parser.add_argument(
        "--interpolation",
        choices=_INTERPOLATIONS,
        default=_INTERPOLATIONS[0],
        help="the resizing protocol (default: pil-bilinear, that of the released program)",
    )
    parser.add_argument(
        "--size",
        type=arguments.size,
        metavar="HxW",
        help="height x width of the images (default: 256x256, Market-1501 128x64)",
    )
    parser.add_argument(
        "--format", choices=("png", "jpeg"), default="png", help="image format (default: png, lossless)"
    )
    parser.add_argument(
        "--quality", type=arguments.whole(1), metavar="Q", help="JPEG quality, 1 to 100 (default: 95)"
    )
    parser.add_argument(
        "--low-res",
        action="store_true",
        help="accept DeepFashion's low-resolution tree img",
    )
    parser.add_argument("--subset", action="store_true", help="skip missing images and their pairs")
    parser.add_argument(
        "--workers", type=arguments.whole(0), metavar="N", help="number of processes (default: one per core)"
    )
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)


def run(args):
    """Prepares the folder, prints a summary and the command that trains on it.

    Raises:
      InputError: a source, list or output cannot be used.
    """
    import os

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.commands import training_command
    from gfla_tf.data.layout import LAYOUTS
    from gfla_tf.data.prepare import prepare_folder
    from gfla_tf.errors import InputError

    if args.quality is not None and (args.format != "jpeg" or args.quality > 100):
        raise InputError(f"--quality is 1 to 100 and for --format jpeg, got {args.quality} for {args.format}")
    workers = (os.cpu_count() or 1) if args.workers is None else args.workers
    try:
        summary = prepare_folder(
            args.dataset,
            args.source,
            args.output,
            lists=args.lists,
            interpolation=args.interpolation,
            size=args.size,
            format=args.format,
            quality=args.quality,
            low_res=args.low_res,
            subset=args.subset,
            workers=workers,
            force=args.force,
            progress=progress_bar("preparing images"),
        )
    except KeyboardInterrupt:
        echo("\nto resume: run the same command again")
        raise
    images = sum(one.images for one in summary.splits.values())
    kept = f", {summary.kept:,} of them kept from a previous run" if summary.kept else ""
    echo(f"{args.output}: {images:,} images{kept}")
    echo(summary.to_text())
    echo(f"Train on it with: {training_command(LAYOUTS[args.dataset].configuration, args.output)}")
