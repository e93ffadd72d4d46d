"""Builds the harness, checks the CUDA kernels on this machine's GPU, and prints one table of timings.

    python custom_ops/harness/run.py [--build FOLDER] [--architecture 90] [--cases 200] [--peer PYTHON]

The table has every kernel's share of the copy bandwidth measured on the same GPU and, where --peer names a
Python that has PyTorch, local attention beside grid_sample per tap. Exits 0 when all checks pass, 1 when a
kernel differs from the CPU's, 2 where there is nothing to build with or no GPU. Needs cmake, nvcc and
Python's standard library.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MOST_CASES = 1_000_000  # that the harness takes


def at_least_one(text):
    """The argparse type of a number of cases: none would prove nothing, and pass."""
    if not (text.isdecimal() and 1 <= int(text) <= MOST_CASES):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_CASES}, got {text!r}")
    return int(text)


def build(folder, architecture):
    """Configures and builds the target `harness`; the path of the program."""
    sources = os.path.dirname(HERE)
    configure = ["cmake", "-S", sources, "-B", folder, "-DGFLA_TENSORFLOW=OFF", "-DGFLA_CUDA=ON"]
    subprocess.run([*configure, f"-DGFLA_CUDA_ARCHITECTURES={architecture}"], check=True)
    jobs = str(os.cpu_count() or 1)
    subprocess.run(["cmake", "--build", folder, "--target", "harness", "--parallel", jobs], check=True)
    return os.path.join(folder, "harness", "harness")


def read_rows(command, path):
    """Runs a command that writes rows to the JSON file `path`, and reads them."""
    subprocess.run([*command, "--json", path], check=True, stdout=subprocess.DEVNULL)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def table(rows):
    """The rows as a Markdown table; the peer's time as a multiple of the kernel's."""
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
        "--architecture", default="90", help="the GPU's compute capability, no point (default: 90)"
    )
    parser.add_argument(
        "--cases", type=at_least_one, default=200, help="cases an operator and type (default: 200)"
    )
    parser.add_argument("--peer", help="a Python with PyTorch, to time grid_sample as well")
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
