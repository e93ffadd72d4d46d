"""`gfla data`: creates, prepares, validates and serves datasets; each kind is a module `data_<kind>`."""

import importlib

HELP = "Create, prepare, validate and serve datasets."

KINDS = ("synthetic", "prepare", "check", "build", "frames", "serve")


def add_arguments(parser):
    """Adds the subcommands to an argparse parser."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for name in KINDS:
        module = importlib.import_module(f"gfla_tf.cli.data_{name}")
        kind = kinds.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(kind)
        kind.set_defaults(run_kind=module.run, parser=kind)


def run(args):
    """Runs the subcommand and returns its exit code."""
    return args.run_kind(args)
