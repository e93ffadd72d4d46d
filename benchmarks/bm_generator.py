"""One picture of the person image generator against the floor: the time its convolutions' operations take.

    python -m benchmarks.bm_generator
    python -m benchmarks.bm_generator --check

The floor is the number of operations in the network's convolutions over the rate that a 3 x 3 convolution of
256 channels reaches on a 64 x 64 map in the same process. The second table is TensorFlow's own trace of one
picture, in a process that runs one operator at a time.
"""

from __future__ import annotations

import sys
from collections import Counter

import tensorflow as tf

from benchmarks.children import alone
from benchmarks.environment import cores
from benchmarks.graphs import forward
from benchmarks.op_times import convolution_operations, operator_seconds
from benchmarks.reporting import milliseconds, run
from benchmarks.timing import alternate
from gfla_tf import ops
from gfla_tf.models import PersonImageGenerator

PRESETS = ("fashion", "market")
MAP, CHANNELS = 64, 256  # of the convolution that sets the rate
STRIDE = 32  # sizes are multiples of it
NATIVE, FUSED, CONVOLUTION = "native", "tf", "convolution"

# What an operator belongs to: the first whose word is in its name or kind.
PARTS = {
    "up_conv": "transposed convolutions: bias, crop",
    "instance_normalization": "instance normalisation",
    "local_attention": "local attention without convolutions",
    "Gather": "local attention without convolutions",
    "LeakyRelu": "leaky ReLU",
    "MirrorPad": "reflection padding",
    "Add": "sums",
    "Mul": "products",
}


def measure(report, args):
    """Times of whole pictures."""
    rows = []
    for name in PRESETS:
        graphs, operations = _graphs(name, args.shrink)
        times = alternate({**graphs, CONVOLUTION: _convolution()}, args.rounds)
        rate = 2 * MAP**2 * 9 * CHANNELS**2 / times[CONVOLUTION].median
        floor = operations / rate
        ratios = [f"{times[one].median / floor:.2f}" if one in times else "–" for one in (NATIVE, FUSED)]
        best = times.get(NATIVE, times[FUSED])
        figures = [f"{operations / 1e9:.1f}", f"{rate / 1e9:.0f}", f"{floor * 1e3:.1f}", milliseconds(best)]
        rows.append([name, *figures, *ratios])
        if name == "fashion" and NATIVE in times:
            share = times[NATIVE].median / floor
            report.target("fashion, batch 1, forward: native / floor", share, "at most", 1.5)
    head = ["batch 1", "GFLOP", "GFLOP / s", "floor, ms", "ms", "native / floor", "TF / floor"]
    report.table("PersonImageGenerator, forward", head, rows)


def break_down(report, args):
    """Where the time goes, by kinds of operators."""
    for name in PRESETS:
        parts = alone(_parts, name, args.shrink, 3 if args.quick else 10, threads=cores())
        total = sum(seconds for _, seconds in parts.values())
        rows = [
            [part, f"{count:.0f}", f"{seconds * 1e3:.2f}", f"{seconds / total:.1%}"]
            for part, (count, seconds) in sorted(parts.items(), key=lambda item: -item[1][1])
        ]
        report.table(f"{name}, forward: by operators", ["", "operators", "ms", "share"], rows)


def _graphs(name, shrink):
    """({impl: function of no argument}, operations of the convolutions)."""
    model = PersonImageGenerator.from_preset(name, load_weights=False)
    height, width = (max(STRIDE, size // shrink) for size in model.image_size)
    pose = tf.random.stateless_uniform([1, height, width, 18], [0, 1])
    inputs = (tf.random.stateless_uniform([1, height, width, 3], [0, 2], -1, 1), pose, pose[:, ::-1])
    graphs = {}
    for impl in (NATIVE, FUSED) if ops.native_available() else (FUSED,):
        for layer in model.target_image_generator.attention:
            layer.impl = impl
        graphs[impl] = forward(lambda *inputs: _picture(model, inputs), inputs)
    graph = tf.function(lambda *inputs: _picture(model, inputs)).get_concrete_function(*inputs).graph
    return graphs, convolution_operations(graph) - _border_operations(model, height, width)


def _picture(model, inputs):
    return model(dict(zip(("source_image", "source_pose", "target_pose"), inputs, strict=True)))["image"]


def _border_operations(model, height, width):
    """What `LocalAttention` convolves beyond the map, which the method does not ask for."""
    total = 0
    for layer, attention in zip(model.attention_layers, model.target_image_generator.attention, strict=True):
        rows, columns, radius = height >> layer, width >> layer, attention.kernel_size // 2
        beyond = (rows + 2 * radius) * (columns + 2 * radius) - rows * columns
        total += beyond * attention.hidden_kernel.shape.num_elements()  # 2 * half of the kernel's weights
    return total


def _convolution():
    maps = tf.random.stateless_normal([1, MAP, MAP, CHANNELS], [0, 3])
    kernel = tf.random.stateless_normal([3, 3, CHANNELS, CHANNELS], [0, 4])
    return forward(lambda *inputs: tf.nn.conv2d(*inputs, strides=1, padding="SAME"), (maps, kernel))


def _parts(name, shrink, calls):
    """{part: (operators, seconds) a picture}."""
    graphs, _ = _graphs(name, shrink)
    call = graphs.get(NATIVE, graphs[FUSED])
    for _ in range(3):
        call()
    count, seconds = Counter(), Counter()
    for (operator, kind), (executions, took) in operator_seconds(call, calls).items():
        part = _part(operator, kind)
        count[part] += executions
        seconds[part] += took
    return {part: (count[part], seconds[part]) for part in seconds}


def _part(operator, kind):
    if "Conv2DBackpropInput" in kind:
        return "transposed convolutions"
    if "Conv2D" in kind:
        return "convolutions"
    found = (part for word, part in PARTS.items() if word in operator or word in kind)
    return next(found, "the rest")


SECTIONS = {"forward": measure, "operators": break_down}


def main(argv=None):
    """Runs the command line and returns the exit code."""
    return run(__doc__, SECTIONS, argv)


if __name__ == "__main__":
    sys.exit(main())
