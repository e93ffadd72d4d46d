"""Preparation of images in several processes.

The processes are new Python interpreters that import neither TensorFlow nor the caller's main module.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from gfla_tf.data.prepare.image import KEPT, UnreadableError, prepare_image
from gfla_tf.data.protocol import Protocol
from gfla_tf.errors import InputError

_COMMAND = "from gfla_tf.data.prepare.workers import serve; serve()"
_MIN_IMAGES = 8  # per process; fewer images are prepared in this process


@dataclass
class Outcome:
    """Numbers of `written` and `kept` images, and {source path: message} of the `unreadable` ones."""

    written: int = 0
    kept: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def prepare_images(
    jobs: list[tuple[str, str]],
    protocol: Protocol,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Prepares images with `prepare_image`.

    Args:
      jobs: (source, target) paths.
      protocol: how to prepare the images.
      workers: number of processes; 0 or 1: this process.
      progress: called as progress(images done, all images) after each image.

    Raises:
      InputError: an image cannot be written, or a process ended unexpectedly.
    """
    outcome, lock = Outcome(), threading.Lock()

    def record(source: str, kind: str, message: str) -> None:
        with lock:
            if kind == "unreadable":
                outcome.unreadable[source] = message
            elif kind == KEPT:
                outcome.kept += 1
            else:
                outcome.written += 1
            if progress is not None:
                progress(outcome.written + outcome.kept + len(outcome.unreadable), len(jobs))

    if workers <= 1 or len(jobs) < _MIN_IMAGES * workers:
        for source, target in jobs:
            kind, message = _prepare(source, target, protocol)
            if kind == "failed":
                raise InputError(message)
            record(source, kind, message)
        return outcome
    with contextlib.ExitStack() as stack:  # stderr goes to files, because a full pipe would block a process
        logs = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(workers)]
        _run_processes(iter(jobs), lock, protocol, logs, record)
    return outcome


def _run_processes(
    jobs: Iterator[tuple[str, str]],
    lock: threading.Lock,
    protocol: Protocol,
    logs: list[BinaryIO],
    record: Callable[[str, str, str], None],
) -> None:
    """Runs one process per log file, and one thread per process that sends it image after image."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    command = [sys.executable, "-c", _COMMAND, json.dumps(protocol.to_dict())]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment, "text": True}
    processes = [subprocess.Popen(command, stderr=log, **pipes) for log in logs]
    failures: list[Exception] = []

    def feed(process: subprocess.Popen, log: BinaryIO) -> None:
        while not failures:
            with lock:
                job = next(jobs, None)
            if job is None:
                return
            try:
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
                kind, message = json.loads(process.stdout.readline())
            except (OSError, ValueError):
                process.kill()
                code = process.wait()
                log.seek(0)
                last = log.read().decode(errors="replace").strip().rpartition("\n")[2][-300:]
                reason = last or f"exit code {code}"
                failures.append(
                    InputError(
                        f"a process that prepares images ended unexpectedly ({reason}): if memory is "
                        "short, use fewer processes (--workers)"
                    )
                )
                return
            if kind == "failed":
                failures.append(InputError(message))
                return
            record(job[0], kind, message)

    threads = [
        threading.Thread(target=feed, args=pair, daemon=True) for pair in zip(processes, logs, strict=True)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException as error:
        failures.append(error)
        for thread in threads:
            thread.join(timeout=10)
        raise
    finally:
        for process in processes:
            process.kill() if failures and process.poll() is None else process.communicate()
            process.wait()
    if failures:
        raise failures[0]


def serve() -> None:
    """The main function of a process: prepares the images that it reads from stdin, one job per line."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    protocol = Protocol.from_dict(json.loads(sys.argv[1]), "the protocol")
    for line in sys.stdin:
        print(json.dumps(_prepare(*json.loads(line), protocol)), flush=True)


def _prepare(source: str, target: str, protocol: Protocol) -> tuple[str, str]:
    """Returns ("written" or "kept", ""), ("unreadable", message), or ("failed", message) for fatal errors."""
    try:
        return prepare_image(source, target, protocol), ""
    except UnreadableError as error:
        return "unreadable", str(error)
    except InputError as error:
        return "failed", str(error)
