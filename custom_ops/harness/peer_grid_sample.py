"""Timings of local attention in PyTorch, as one `grid_sample` per tap, at the sizes of `harness time`.

    python custom_ops/harness/peer_grid_sample.py [--json FILE]

Requires PyTorch and a CUDA device.
"""

import argparse
import json
import statistics
import sys

# (batch, height, width, channels), n: the attention blocks of the two configurations, as in timing.cc.
SIZES = [
    ((batch, *size), n)
    for batch in (8, 1)
    for size, n in (((64, 64, 128), 5), ((32, 32, 256), 3), ((32, 16, 128), 3))
]
ROUNDS = 21


def local_attention(torch, source, flow, kernels, n):
    """The weighted sum of n x n bilinear samples around l + w.

    source [B, C, H, W]; flow [B, H, W, 2], (dx, dy) in pixels; kernels [B, n*n, H, W] -> [B, C, H, W].
    """
    height, width = source.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=source.device, dtype=flow.dtype),
        torch.arange(width, device=source.device, dtype=flow.dtype),
        indexing="ij",
    )
    scale = flow.new_tensor([2 / max(width - 1, 1), 2 / max(height - 1, 1)])
    position = torch.stack([x, y], dim=-1) + flow  # [B, H, W, 2] in pixels
    out = 0
    for tap in range(n * n):
        offset = flow.new_tensor([tap % n - n // 2, tap // n - n // 2])
        grid = ((position + offset) * scale - 1).to(source.dtype)
        read = torch.nn.functional.grid_sample(
            source, grid, mode="bilinear", padding_mode="border", align_corners=True
        )
        out = out + kernels[:, tap : tap + 1] * read
    return out


def time_passes(torch, shape, n, dtype):
    """Median microseconds and the spread between quartiles: {"forward": (.., ..), "gradient": (.., ..)}."""
    batch, height, width, channels = shape
    generator = torch.Generator("cuda").manual_seed(1)

    def normal(*size, of=dtype):
        return torch.randn(size, device="cuda", generator=generator, dtype=torch.float32).to(of)

    source = normal(batch, channels, height, width).requires_grad_()
    flow = normal(batch, height, width, 2, of=torch.float32).requires_grad_()
    kernels = normal(batch, n * n, height, width).requires_grad_()
    upstream = normal(batch, channels, height, width)

    def forward():
        with torch.no_grad():
            local_attention(torch, source, flow, kernels, n)

    out = local_attention(torch, source, flow, kernels, n)

    def gradient():
        torch.autograd.grad(out, (source, flow, kernels), upstream, retain_graph=True)

    return {"forward": _quartiles(torch, forward), "gradient": _quartiles(torch, gradient)}


def _quartiles(torch, call):
    for _ in range(3):
        call()
    times = []
    for _ in range(ROUNDS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(1000 * begin.elapsed_time(end))
    first, median, third = statistics.quantiles(times, n=4)
    return median, third - first


def measure(torch):
    """Returns the timings as rows in the format of `harness time --json`."""
    rows = []
    for shape, n in SIZES:
        for dtype, name in ((torch.float32, "float32"), (torch.float16, "float16")):
            for passed, (median, spread) in time_passes(torch, shape, n, dtype).items():
                rows.append(
                    {
                        "name": "grid_sample per tap",
                        "pass": passed,
                        "type": name,
                        "shape": list(shape),
                        "n": n,
                        "microseconds": median,
                        "spread": spread,
                    }
                )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="path of the output file; by default the rows are printed")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("peer_grid_sample: PyTorch is not installed for this Python", file=sys.stderr)
        return 2
    if not torch.cuda.is_available():
        print("peer_grid_sample: PyTorch sees no CUDA device", file=sys.stderr)
        return 2
    rows = json.dumps(measure(torch), indent=1)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            file.write(rows + "\n")
    else:
        print(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
