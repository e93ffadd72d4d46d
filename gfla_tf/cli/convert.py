"""`gfla convert`: weights of the released PyTorch program into ours, and back."""

from gfla_tf.cli.arguments import size

HELP = "convert weights between PyTorch (.pth, .npz) and Keras (.keras)"


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "input",
        metavar="IN",
        help="a .pth, .npz or .keras file, or a folder: of latest_net_G.pth and latest_net_D.pth, or a run's",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="a .keras, .pth or .npz file; where IN is a folder, also a folder",
    )
    parser.add_argument(
        "--to", choices=("keras", "torch"), help="what to write (default: by OUT's ending, or what IN is not)"
    )
    parser.add_argument(
        "--size",
        type=size,
        metavar="HxW",
        help="height x width of the images that a generator was trained on (default: fashion's 256x256, "
        "market's 128x64)",
    )
    parser.add_argument("--force", action="store_true", help="replace outputs that are there")


def run(args):
    """Converts, and says what was found and how to use what was written.

    Raises:
      InputError: files that cannot be read, recognised or written.
    """
    import os

    from gfla_tf.cli.logs import load_tensorflow
    from gfla_tf.weight_files import kind_of

    if not os.path.isdir(args.input):
        kind_of(args.input)  # most wrong files are told from right ones before TensorFlow is loaded
    load_tensorflow()

    from gfla_tf.interop.convert import convert

    for done in convert(args.input, args.output, to=args.to, image_size=args.size, force=args.force):
        print(f"{done.source}: {done.network}, {done.parameters:,} parameters")
        for note in done.notes:
            print(f"  {note}")
        print("  read back: every tensor is equal")
        print(f"wrote {done.out}, sha256 {done.sha256}")
        if done.usage:
            print(f"use it: {done.usage}")
