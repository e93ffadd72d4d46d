"""The program `gfla`: runs a command, and turns errors into one sentence and an exit code."""

import argparse
import importlib
import os
import sys

from gfla_tf.cli.parser import Parser
from gfla_tf.errors import InputError

COMMANDS = ("demo", "data", "train", "generate", "evaluate", "pose", "convert", "export", "native")

DONE, BAD_INPUT, INTERRUPTED, CLOSED_PIPE = 0, 2, 130, 141


class _Version(argparse.Action):
    """Prints the versions and exits."""

    def __call__(self, parser, namespace, values, option_string=None):
        from gfla_tf.cli.version import version_text

        print(version_text())
        parser.exit()


def build_parser():
    """Returns the parser of all commands. TensorFlow is imported by the commands themselves."""
    parser = Parser(
        prog="gfla",
        description="Generate images of people in new poses: GFLA (CVPR 2020) in TensorFlow and Keras.",
    )
    parser.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        default=argparse.SUPPRESS,
        help="Show versions and the state of the compiled operators.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"gfla_tf.cli.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return parser


def main(argv=None):
    """Runs a command line and returns the exit code: 0 done, 1 a check found faults, 2 bad input or usage.

    Raises:
      SystemExit: from argparse, for --help (0) and for wrong usage (2).
    """
    try:
        args = _parse(build_parser(), argv)
        code = args.run(args) or DONE
        sys.stdout.flush()
        return code
    except InputError as error:
        print(f"gfla: error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("gfla: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE


def _parse(parser, argv):
    """Parses `argv`; key=value overrides may be before and after the options, unlike in argparse."""
    args, rest = parser.parse_known_args(argv)
    unknown = [text for text in rest if text.startswith("-") or not hasattr(args, "overrides")]
    if unknown:
        args.parser.error(args.parser.describe_unknown(unknown))
    if rest:
        args.overrides = [*args.overrides, *rest]
    return args


def entry_point():
    """The `gfla` program."""
    sys.exit(main())
