"""Processes of the tests of strategies."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_ports(count):
    """Returns ports on which no process listens."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def start(arguments, log, **environment):
    """Starts Python with arguments, and writes its output to a file."""
    given = {**os.environ, "PYTHONPATH": os.fspath(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        given.setdefault(name, "1")
    with open(log, "wb") as file:
        return subprocess.Popen(
            [sys.executable, *map(os.fspath, arguments)],
            env={**given, **environment},
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def start_workers(arguments, logs):
    """Starts one worker for each log file; `arguments` takes its index."""
    addresses = [f"localhost:{port}" for port in free_ports(len(logs))]
    return [
        start(arguments(index), log, TF_CONFIG=json.dumps(_cluster(addresses, index)))
        for index, log in enumerate(logs)
    ]


def _cluster(addresses, index):
    return {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
