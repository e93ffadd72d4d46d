"""Runs cases in a process of bounded memory and processor time: `python -m tests.fuzz.worker FOLDER`.

Reads lines "check KIND NUMBER" or "train KIND NUMBER", tab-separated, and prints a line of JSON for each.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import sys
from pathlib import Path

MEMORY = 2 * 2**30
"""The largest size of the private data of the process in bytes, which includes TensorFlow's."""
SECONDS = 10
"""The longest processor time of a case, of all threads together."""


def main() -> None:
    """Runs the cases."""
    # The size of the address space is no measure: TensorFlow alone reserves more than it uses.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    from tests.fuzz import checks
    from tests.fuzz.workspace import Workspace

    answers = os.fdopen(os.dup(1), "w")  # what the cases print does not mix with the answers
    sys.stdout = sys.stderr
    with contextlib.redirect_stdout(sys.stderr):
        workspace = Workspace(Path(sys.argv[1]))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        how, kind, number = line.rstrip("\n").split("\t")
        answer = _run(getattr(checks, how), workspace, kind, int(number))
        print(json.dumps(answer), file=answers, flush=True)


def _run(check, workspace, kind, number):
    """Runs a case; the system ends the process if it takes longer than it may."""
    began, before = _seconds(), _memory("VmRSS")
    resource.setrlimit(resource.RLIMIT_CPU, (int(began) + 1 + SECONDS, resource.RLIM_INFINITY))
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    problem = None
    try:
        check(workspace, kind, number)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    grown = (_memory("VmHWM") - before) * 1024
    return {"problem": problem, "seconds": _seconds() - began, "bytes": grown}


def _seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _memory(name):
    """A memory size of this process in KiB."""
    return int(re.search(rf"{name}:\s*(\d+)", Path("/proc/self/status").read_text())[1])


if __name__ == "__main__":
    main()
