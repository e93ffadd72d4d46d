"""Prepares images in several processes.

They are fresh Python interpreters that import NumPy and OpenCV only: neither forked from a process that runs
TensorFlow, nor importing the caller's main module.
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

from gfla_tf.data.prepare.image import KEPT, UnreadableError, prepare_image
from gfla_tf.data.protocol import Protocol
from gfla_tf.errors import InputError

_COMMAND = "from gfla_tf.data.prepare.workers import serve; serve()"
_FEW = 8  # images that are not worth another process


@dataclass
class Outcome:
    """How many images were `made` and `kept`, and {source: sentence} of the `unreadable` ones."""

    made: int = 0
    kept: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def prepare_images(
    jobs: list[tuple[str, str]],
    protocol: Protocol,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Makes every image of `jobs`, (source, target) paths, with `prepare_image`.

    Args:
      jobs: the images.
      protocol: how.
      workers: processes; 0 or 1: this one.
      progress: called as progress(done, all) after each image.

    Raises:
      InputError: an image cannot be written, or a process ended early.
    """
    outcome, lock = Outcome(), threading.Lock()

    def note(source, kind, sentence):
        with lock:
            if kind == "unreadable":
                outcome.unreadable[source] = sentence
            elif kind == KEPT:
                outcome.kept += 1
            else:
                outcome.made += 1
            if progress is not None:
                progress(outcome.made + outcome.kept + len(outcome.unreadable), len(jobs))

    if workers <= 1 or len(jobs) < _FEW * workers:
        for source, target in jobs:
            kind, sentence = _answer(source, target, protocol)
            if kind == "failed":
                raise InputError(sentence)
            note(source, kind, sentence)
        return outcome
    with contextlib.ExitStack() as stack:  # what a process says goes to a file: a full pipe would block it
        said = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(workers)]
        _share_out(iter(jobs), lock, protocol, said, note)
    return outcome


def _share_out(jobs: Iterator, lock, protocol: Protocol, said: list, note) -> None:
    """Runs a process for each file of `said`, and a thread that hands it one image after another."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    command = [sys.executable, "-c", _COMMAND, json.dumps(protocol.to_dict())]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment, "text": True}
    processes = [subprocess.Popen(command, stderr=errors, **pipes) for errors in said]
    failures: list[Exception] = []

    def feed(process, errors):
        while not failures:
            with lock:
                job = next(jobs, None)
            if job is None:
                return
            try:
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
                kind, sentence = json.loads(process.stdout.readline())
            except (OSError, ValueError):
                process.kill()
                code = process.wait()
                errors.seek(0)
                last = errors.read().decode(errors="replace").strip().rpartition("\n")[2][-300:]
                reason = last or f"exit code {code}"
                failures.append(
                    InputError(
                        f"a process that prepares images ended early ({reason}): the memory may be too small "
                        "for so many, so try fewer with --workers"
                    )
                )
                return
            if kind == "failed":
                failures.append(InputError(sentence))
                return
            note(job[0], kind, sentence)

    threads = [
        threading.Thread(target=feed, args=pair, daemon=True) for pair in zip(processes, said, strict=True)
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
    """What a process runs: makes the images named on its input, one line each, until that ends."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    protocol = Protocol.from_dict(json.loads(sys.argv[1]), "the protocol")
    for line in sys.stdin:
        print(json.dumps(_answer(*json.loads(line), protocol)), flush=True)


def _answer(source: str, target: str, protocol: Protocol) -> tuple[str, str]:
    """("made" or "kept", ""), ("unreadable", sentence), or ("failed", sentence) where going on is useless."""
    try:
        return prepare_image(source, target, protocol), ""
    except UnreadableError as error:
        return "unreadable", str(error)
    except InputError as error:
        return "failed", str(error)
