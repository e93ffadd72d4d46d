"""CPU time of child processes, for tests of start-up costs."""

import resource
import subprocess
import sys

# What a command line without heavy packages imports at least.
BASELINE = "import argparse, importlib.metadata"


def cpu_seconds(code: str) -> float:
    """The CPU time of running code in a new Python process: the smallest of three, in seconds."""
    return min(_run(code) for _ in range(3))


def _run(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
