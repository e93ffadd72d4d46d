"""Builds the harness, checks the CUDA kernels on the GPU, and prints a table of timings.

    python custom_ops/harness/run.py [--build FOLDER] [--architecture 90] [--cases 200] [--peer PYTHON]

The table contains the bandwidth of each kernel relative to that of a copy on the same GPU. With --peer, the
path of a Python with PyTorch, it also compares local attention with one grid_sample per tap. The exit code is
0 if all checks pass, 1 if a kernel differs from the CPU kernel, and 2 if the harness cannot be built or run.
Requires cmake, nvcc and Python's standard library.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MOST_CASES = 1_000_000  # the harness's limit


def at_least_one(text):
    """The argparse type of the number of cases."""
    if not (text.isdecimal() and 1 <= int(text) <= MOST_CASES):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_CASES}, got {text!r}")
    return int(text)


def build(folder, architecture):
    """Configures and builds the target `harness`; returns the path of the program."""
    sources = os.path.dirname(HERE)
    configure = ["cmake", "-S", sources, "-B", folder, "-DGFLA_TENSORFLOW=OFF", "-DGFLA_CUDA=ON"]
    subprocess.run([*configure, f"-DGFLA_CUDA_ARCHITECTURES={architecture}"], check=True)
    jobs = str(os.cpu_count() or 1)
    subprocess.run(["cmake", "--build", folder, "--target", "harness", "--parallel", jobs], check=True)
    return os.path.join(folder, "harness", "harness")


def read_rows(command, path):
    """Runs a command that writes rows to the JSON file `path`; returns the rows."""
    subprocess.run([*command, "--json", path], check=True, stdout=subprocess.DEVNULL)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def table(rows):
    """Formats the rows as a Markdown table, with the peer's time as a multiple of the kernel's."""
    copy_rate = max(row["bytes"] / row["microseconds"] for row in rows if row["pass"] == "copy")
    peers = {_key(row): row for row in rows if "bytes" not in row}
    lines = [
        "| operator | map | n | type | flow | pass | µs | ± | GB/s | of copy | grid_sample |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if "bytes" not in row:
            continue
        copy = row["pass"] == "copy"
        size = "1 GiB" if copy else " x ".join(map(str, row["shape"]))
        rate = row["bytes"] / row["microseconds"]
        peer = peers.get(_key(row)) if row["name"] == "local_attention" else None
        cells = [
            row["name"],
            size,
            "" if copy else row["n"],
            row["type"],
            row["flow"],
            row["pass"],
            f"{row['microseconds']:.1f}",
            f"{row['spread'] / 2:.1f}",
            f"{rate / 1e3:.0f}",
            f"{rate / copy_rate:.0%}",
            f"{peer['microseconds'] / row['microseconds']:.1f} x" if peer else "",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _key(row):
    return row["pass"], row["type"], tuple(row["shape"]), row["n"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/harness", help="build folder (default: %(default)s)")
    parser.add_argument(
        "--architecture", default="90", help="compute capability of the GPU, without the point (default: 90)"
    )
    parser.add_argument(
        "--cases", type=at_least_one, default=200, help="number of cases per operator and type (default: 200)"
    )
    parser.add_argument("--peer", help="path of a Python with PyTorch, to time grid_sample as well")
    arguments = parser.parse_args()
    for tool in ("cmake", "nvcc"):
        if shutil.which(tool) is None:
            print(f"run: {tool} is not on the PATH", file=sys.stderr)
            return 2
    try:
        harness = build(arguments.build, arguments.architecture)
        checked = subprocess.run([harness, "check", "--cases", str(arguments.cases)])
        if checked.returncode != 0:
            return checked.returncode
        with tempfile.TemporaryDirectory() as scratch:
            rows = read_rows([harness, "time"], os.path.join(scratch, "time.json"))
            if arguments.peer:
                peer = [arguments.peer, os.path.join(HERE, "peer_grid_sample.py")]
                rows += read_rows(peer, os.path.join(scratch, "peer.json"))
    except subprocess.CalledProcessError as error:
        print(f"run: {error.cmd[0]} ended with code {error.returncode}", file=sys.stderr)
        return 2
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
