"""Run the readers of all kinds of files on damaged files: `python -m tests.fuzz [--times 10] [KIND ...]`.

Prints every finding, and exits with 1 if there are any.
"""

import argparse
import sys
import time

from tests.fuzz.runner import Runner
from tests.fuzz.workspace import CASES


def main() -> int:
    """Runs the cases and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(CASES))
    parser.add_argument("--times", type=int, default=1, help="multiplies the number of cases")
    options = parser.parse_args()
    runner, began, count = Runner(), time.monotonic(), 0
    for kind in options.kinds or CASES:
        for number in range(CASES[kind] * options.times):
            found = len(runner.findings)
            runner.run("check", kind, number)
            count += 1
            for finding in runner.findings[found:]:
                print(finding, flush=True)
    runner.close()
    (seconds, slow), (size, large) = runner.slowest, runner.largest
    print(f"{count} cases in {time.monotonic() - began:.0f} s: {len(runner.findings)} findings")
    print(f"longest: {seconds:.2f} s of the processor, {slow}; largest: {size / 2**20:.0f} MiB, {large}")
    return 1 if runner.findings else 0


if __name__ == "__main__":
    sys.exit(main())
