"""`gfla data check`: validates a dataset folder before training."""

from gfla_tf.cli import arguments
from gfla_tf.console import echo

HELP = "Validate a dataset folder."

FAULTS = 1


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("folder", metavar="FOLDER", help="a dataset folder (see docs/data.md)")
    parser.add_argument(
        "--layout", choices=arguments.LAYOUTS, help="layout of FOLDER (default: auto-detected)"
    )
    parser.add_argument("--split", choices=("train", "test"), help="check one split only (default: both)")
    parser.add_argument(
        "--limit",
        type=arguments.whole(1),
        metavar="N",
        help="read at most N images of each split, spread evenly (default: all)",
    )
    parser.add_argument(
        "--decode",
        action="store_true",
        help="decode every image (default: read headers and check that files are complete)",
    )
    parser.add_argument("--strict", action="store_true", help="also exit with 1 for warnings")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON")
    parser.add_argument(
        "--sheet",
        metavar="FILE",
        help="write one image of the dataset's images with their poses, faulty ones first",
    )
    parser.add_argument(
        "--sheet-images",
        type=arguments.whole(1),
        default=36,
        metavar="N",
        help="number of images on the sheet (default: 36)",
    )
    parser.add_argument(
        "--seed",
        type=arguments.whole(0),
        default=0,
        metavar="S",
        help="seed that selects images without faults for the sheet (default: 0)",
    )
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)


def run(args):
    """Prints the faults; returns 1 if training would fail or learn from wrong data.

    Raises:
      InputError: not a dataset folder, or an output cannot be written.
    """
    import json

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.commands import training_command
    from gfla_tf.data.doctor import check_folder
    from gfla_tf.files import write_files
    from gfla_tf.images.io import encode_image

    _check_outputs(args)
    report = check_folder(
        args.folder,
        layout=args.layout,
        splits=(args.split,) if args.split else ("train", "test"),
        limit=args.limit,
        decode=args.decode,
        progress=progress_bar("reading images"),
    )
    echo(report.to_text())
    outputs = {}
    if args.json:
        outputs[args.json] = (json.dumps(report.to_dict(), indent=1) + "\n").encode()
    if args.sheet:
        from gfla_tf.viz.data_sheet import data_sheet

        outputs[args.sheet] = encode_image(args.sheet, data_sheet(report, args.sheet_images, args.seed))
    write_files(outputs, args.force)
    if outputs:
        echo(f"wrote {', '.join(outputs)}")
    if report.trains:
        echo(f"Train on it with: {training_command(report.layout.configuration, args.folder)}")
    return FAULTS if not report.trains or (args.strict and report.faults) else 0


def _check_outputs(args):
    """Refuses outputs that cannot be written, are the same file, or are inside the checked folder."""
    import os

    from gfla_tf.errors import InputError
    from gfla_tf.files import check_output
    from gfla_tf.images.io import check_extension

    if not os.path.isdir(args.folder):
        raise InputError(f"the data folder {args.folder!r} does not exist or is not a folder")
    folder = os.path.realpath(args.folder)
    outputs = [path for path in (args.json, args.sheet) if path]
    for path in outputs:
        if os.path.realpath(path).startswith(os.path.join(folder, "")):
            raise InputError(
                f"the output {path!r} is inside {args.folder!r}, which is not modified: choose another folder"
            )
        check_output(path, args.force)
    if len({os.path.realpath(path) for path in outputs}) < len(outputs):
        raise InputError(f"two outputs are both named {args.json!r}: give each its own name")
    if args.sheet:
        check_extension(args.sheet)
