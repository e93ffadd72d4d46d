"""`gfla data check`: looks a data folder over before it is trained on."""

from gfla_tf.cli import arguments

HELP = "look for what would stop or spoil training on a data folder"

_LAYOUTS = ("deepfashion", "market1501")
FAULTS = 1


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("folder", metavar="FOLDER", help="a folder in the layout of docs/data.md")
    parser.add_argument("--layout", choices=_LAYOUTS, help="default: told by the names of the files")
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
        help="decode every image; otherwise headers are read and files checked for their end",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument("--json", metavar="FILE", help="write the report for programs")
    parser.add_argument("--sheet", metavar="FILE", help="draw poses over images, the worst first: .png, .jpg")
    parser.add_argument(
        "--sheet-images",
        type=arguments.whole(1),
        default=36,
        metavar="N",
        help="images on the sheet (default: 36)",
    )
    parser.add_argument(
        "--seed",
        type=arguments.whole(0),
        default=0,
        metavar="S",
        help="chooses images without fault for the sheet",
    )
    parser.add_argument("--force", action="store_true", help="replace outputs that are there")


def run(args):
    """Prints what was found; returns 1 where training would fail or learn from something wrong.

    Raises:
      InputError: not a data folder, or an output that cannot be written.
    """
    import json

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.data.doctor import check_folder
    from gfla_tf.data.layout import training_command
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
    print(report.to_text())
    outputs = {}
    if args.json:
        outputs[args.json] = (json.dumps(report.to_dict(), indent=1) + "\n").encode()
    if args.sheet:
        from gfla_tf.viz.data_sheet import data_sheet

        outputs[args.sheet] = encode_image(args.sheet, data_sheet(report, args.sheet_images, args.seed))
    write_files(outputs, args.force)
    if outputs:
        print(f"wrote {', '.join(outputs)}")
    if report.trains:
        print(f"Train on it with: {training_command(report.layout, args.folder)}")
    return FAULTS if not report.trains or (args.strict and report.faults) else 0


def _check_outputs(args):
    """Refuses outputs that cannot be written, that are one, or that lie in the folder that is checked."""
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
                f"the output {path!r} is inside {args.folder!r}, which is left as it is: put it elsewhere"
            )
        check_output(path, args.force)
    if len({os.path.realpath(path) for path in outputs}) < len(outputs):
        raise InputError(f"two outputs are both named {args.json!r}: give each its own name")
    if args.sheet:
        check_extension(args.sheet)
