"""The program `gfla`: runs a command, and turns errors into one sentence and an exit code."""

import argparse
import importlib
import sys

from gfla_tf.cli.failures import Signals, describe
from gfla_tf.cli.parser import Parser
from gfla_tf.console import discard_unwritten, echo, escape_unencodable, open_standard_streams

COMMANDS = ("demo", "data", "train", "generate", "evaluate", "pose", "convert", "export", "native")

DONE = 0


class _Version(argparse.Action):
    """Prints the versions and exits."""

    def __call__(self, parser, namespace, values, option_string=None):
        from gfla_tf.cli.version import version_text

        echo(version_text())
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
    """Runs a command line and returns the exit code.

    It is 0 if the command is done, 1 if a check found faults, 2 for invalid input or usage and for errors of
    the system (disk full, no memory), 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP, and 141 if the reader
    of the output has closed it.

    Raises:
      SystemExit: from argparse, for --help (0) and for wrong usage (2).
    """
    open_standard_streams()
    escape_unencodable()
    with Signals() as signals:
        try:
            return _run(argv)
        except Exception as error:
            described = describe(error, signals.received)
            if described is None:
                raise
            code, sentence = described
        except KeyboardInterrupt as error:
            code, sentence = describe(error, signals.received)
        finally:
            discard_unwritten()
        if sentence is not None:
            echo(f"gfla: {sentence}", stream=sys.stderr)
        return code


def _run(argv):
    """Parses the arguments, runs the command, and writes what it has printed."""
    try:
        args = _parse(build_parser(), argv)
        code = args.run(args) or DONE
    except SystemExit:  # of --help and wrong usage
        echo(end="")
        raise
    echo(end="")
    return code


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
