"""`gfla native`: shows the status of the compiled operators, or builds them."""

from gfla_tf.cli.arguments import FORCE
from gfla_tf.console import echo

HELP = "Show or build the compiled operators."


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "Show which implementation each operator uses, and why. Always exits with 0."
    status = actions.add_parser("status", help=text, description=text)
    status.add_argument("--json", action="store_true", help="print one JSON object")
    text = "Build the library for the installed TensorFlow, into the package."
    build = actions.add_parser("build", help=text, description=text)
    build.add_argument(
        "--cuda",
        choices=("auto", "on", "off"),
        default="auto",
        help="compile the CUDA kernels; auto: if nvcc and TensorFlow with CUDA are installed (default: auto)",
    )
    build.add_argument(
        "--scratch",
        metavar="FOLDER",
        help="CMake's build folder, kept for incremental builds (default: a temporary folder)",
    )
    build.add_argument("--werror", action="store_true", help="treat compiler warnings as errors")
    build.add_argument("--force", action="store_true", help=FORCE)


def run(args):
    """Runs the command.

    Raises:
      InputError: the library cannot be built.
    """
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()
    if args.action == "build":
        from gfla_tf.native.build import build

        def report(line):
            echo(line)

        build(cuda=args.cuda, force=args.force, werror=args.werror, scratch=args.scratch, report=report)
        return
    from gfla_tf.native.status import native_status, status_text

    status = native_status()
    if args.json:
        import json

        echo(json.dumps(status, indent=2))
    else:
        echo(status_text(status))
