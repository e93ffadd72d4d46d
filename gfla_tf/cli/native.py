"""`gfla native`: whether the compiled operators are used, why not, and building them."""

HELP = "say whether the compiled operators are used, or build them"


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "which implementation each operator uses, and why; always exits with 0"
    status = actions.add_parser("status", help=text, description=text)
    status.add_argument("--json", action="store_true", help="as one JSON object")
    text = "build the library for this environment's TensorFlow, into the installed package"
    build = actions.add_parser("build", help=text, description=text)
    build.add_argument(
        "--cuda",
        choices=("auto", "on", "off"),
        default="auto",
        help="compile the CUDA kernels: where nvcc and a TensorFlow with CUDA are (auto), always or never",
    )
    build.add_argument(
        "--scratch", metavar="FOLDER", help="keep CMake's files here, for the next build to go on from"
    )
    build.add_argument("--werror", action="store_true", help="take the compiler's warnings for errors")
    build.add_argument("--force", action="store_true", help="Overwrite existing outputs.")


def run(args):
    """Builds the library, or prints the status.

    Raises:
      InputError: it cannot be built.
    """
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()
    if args.action == "build":
        from gfla_tf.native.build import build

        def report(line):
            print(line, flush=True)

        build(cuda=args.cuda, force=args.force, werror=args.werror, scratch=args.scratch, report=report)
        return
    from gfla_tf.native.status import native_status, status_text

    status = native_status()
    if args.json:
        import json

        print(json.dumps(status, indent=2))
    else:
        print(status_text(status))
