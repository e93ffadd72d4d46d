"""Runs cases in worker processes and collects what they find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Runner:
    """Runs cases one after another in a worker process, and starts another one after a crash.

    Attributes:
      findings: a description of each case that crashed, took too long or too much memory, or ended in another
        way than success or one sentence.
      slowest: (seconds, case) of the case with the longest processor time.
      largest: (bytes, case) of the case with the largest growth of the memory.
    """

    def __init__(self):
        self.findings, self.slowest, self.largest = [], (0.0, ""), (0, "")
        self._worker = self._folder = None

    def run(self, how: str, kind: str, number: int) -> None:
        """Runs a case: `how` is "check" or "train", functions of `tests.fuzz.checks`."""
        if self._worker is None:
            self._start()
        case = f"{how}({kind!r}, {number})"
        self._worker.stdin.write(f"{how}\t{kind}\t{number}\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        if not line:
            code = self._worker.wait()
            self.findings.append(f"{case}: the process ended with {code}")
            self.close()
            return
        answer = json.loads(line)
        if answer["problem"]:
            self.findings.append(f"{case}: {answer['problem']}")
        self.slowest = max(self.slowest, (answer["seconds"], case))
        self.largest = max(self.largest, (answer["bytes"], case))

    def close(self) -> None:
        """Ends the worker process."""
        if self._worker is not None:
            self._worker.stdin.close()
            self._worker.stdout.close()
            self._worker.wait()
            self._folder.cleanup()
        self._worker = self._folder = None

    def _start(self):
        self._folder = tempfile.TemporaryDirectory()
        threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, **threads, "CUDA_VISIBLE_DEVICES": ""},
        )
        if self._worker.stdout.readline() != "ready\n":
            raise RuntimeError("the worker did not start")
