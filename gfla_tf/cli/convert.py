"""`gfla convert`: convert weights between the released PyTorch program and Keras."""

from gfla_tf.cli import arguments
from gfla_tf.console import echo

HELP = "Convert weights between PyTorch (.pth, .npz) and Keras (.keras)."


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "input",
        metavar="IN",
        help="a .pth, .npz or .keras file, a run folder, or a folder with latest_net_G.pth and "
        "latest_net_D.pth",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="a .keras, .pth or .npz file, or a folder if IN is a folder",
    )
    parser.add_argument(
        "--to",
        choices=("keras", "torch"),
        help="the output format (default: that of the extension of OUT, otherwise the opposite of IN's)",
    )
    parser.add_argument(
        "--size",
        type=arguments.size,
        metavar="HxW",
        help="height x width of the training images of a generator (default: 256x256, or 128x64 for market)",
    )
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)


def run(args):
    """Converts the files and prints what was recognized and how to use the outputs.

    Raises:
      InputError: A file cannot be read, recognized or written.
    """
    import os

    from gfla_tf.cli.logs import load_tensorflow
    from gfla_tf.weight_files import kind_of

    if not os.path.isdir(args.input):
        kind_of(args.input)  # detects most invalid files before TensorFlow is imported
    load_tensorflow()

    from gfla_tf.interop.convert import convert

    for done in convert(args.input, args.output, to=args.to, image_size=args.size, force=args.force):
        echo(f"{done.source}: {done.network}, {done.parameters:,} parameters")
        for note in done.notes:
            echo(f"  {note}")
        echo("  read back: every tensor is equal")
        echo(f"wrote {done.out}, sha256 {done.sha256}")
        if done.usage:
            echo(f"use it: {done.usage}")
