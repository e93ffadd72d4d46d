"""`gfla data serve`: the servers of a tf.data service, which read training batches on other machines."""

import argparse
import os
import signal
import sys
import threading
from typing import Any, NoReturn

from gfla_tf.cli import arguments
from gfla_tf.console import echo

HELP = "Serve training batches by a tf.data service."

_PORT = 5050


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommands to an argparse parser."""
    roles = parser.add_subparsers(dest="role", metavar="ROLE", required=True)
    text = "Start the dispatcher, which assigns batches to workers."
    dispatcher = roles.add_parser("dispatcher", help=text, description=text)
    dispatcher.add_argument(
        "--port",
        type=arguments.whole(0),
        default=_PORT,
        metavar="P",
        help=f"the port to listen on; 0 selects a free one (default: {_PORT})",
    )
    dispatcher.add_argument(
        "--journal",
        metavar="FOLDER",
        help="record the state in this folder, so that a dispatcher that is started again with the same port "
        "and folder continues",
    )
    dispatcher.set_defaults(run_role=_run_dispatcher, parser=dispatcher)

    text = "Start a worker, which reads batches of the training data of a configuration."
    worker = roles.add_parser("worker", help=text, description=text)
    worker.add_argument(
        "config", metavar="CONFIG", help="the configuration of the training: a YAML file, or a shipped one"
    )
    worker.add_argument(
        "overrides", metavar="KEY=VALUE", nargs="*", help="settings to override, as for gfla train"
    )
    worker.add_argument(
        "--dispatcher", required=True, metavar="HOST:PORT", help="the address of the dispatcher"
    )
    worker.add_argument(
        "--port",
        type=arguments.whole(0),
        default=0,
        metavar="P",
        help="the port to listen on (default: a free one)",
    )
    worker.add_argument(
        "--host",
        metavar="HOST",
        help="the name or address by which the training machines reach this one (default: the local address "
        "of the connection to the dispatcher)",
    )
    worker.set_defaults(run_role=_run_worker, parser=worker)


def run(args: argparse.Namespace) -> None:
    """Runs a server until it is interrupted.

    Raises:
      InputError: the port is in use, the dispatcher does not answer, or the configuration or its data is
        invalid.
    """
    args.run_role(args)


def _run_dispatcher(args: argparse.Namespace) -> None:
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.training.data_server import Dispatcher

    dispatcher = Dispatcher(args.port, args.journal)
    echo(f"dispatcher: port {dispatcher.port} (stop it with Ctrl-C)")
    _wait(dispatcher)


def _run_worker(args: argparse.Namespace) -> None:
    from gfla_tf.config import find_config, load_config

    config = load_config(find_config(args.config), args.overrides)

    from gfla_tf.cli.logs import load_tensorflow, show_log
    from gfla_tf.cli.progress import progress_bar

    load_tensorflow()
    show_log()

    from gfla_tf.training.data_server import Worker

    progress = progress_bar("rendering SyntheticPeople")
    worker = Worker(config, args.dispatcher, args.port, args.host, progress)
    echo(
        f"worker: {worker.pairs:,} training pairs of data.source={config.data.source} for the dispatcher at "
        f"{args.dispatcher}, reached at {worker.host} (stop it with Ctrl-C)"
    )
    _wait(worker)


def _wait(server: Any) -> NoReturn:
    """Waits for a signal while a server runs, and ends the process.

    TensorFlow's own `join` does not react to signals, and before it closes a worker, it may wait for an
    unreachable dispatcher for an hour. A server has nothing to save, so the process exits at once.
    """
    try:
        while True:
            threading.Event().wait()
    except KeyboardInterrupt as error:
        number = error.args[0] if error.args else signal.SIGINT
        echo("gfla: interrupted", stream=sys.stderr)
        os._exit(128 + number)
