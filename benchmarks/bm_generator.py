"""Time of one generated image, compared with a lower bound computed from its convolutions.

    python -m benchmarks.bm_generator
    python -m benchmarks.bm_generator --check

The lower bound ("floor") is the number of operations in the network's convolutions divided by the rate that a
3 x 3 convolution of 256 channels reaches on a 64 x 64 map in the same process. The second table is
TensorFlow's trace of one image, in a process that runs one operator at a time.
"""

from __future__ import annotations

import sys
from collections import Counter

import tensorflow as tf

from benchmarks.children import alone
from benchmarks.environment import cores
from benchmarks.graphs import forward
from benchmarks.op_times import convolution_operations, operator_seconds
from benchmarks.rate import OPERATIONS, convolution
from benchmarks.reporting import milliseconds, run
from benchmarks.timing import alternate
from gfla_tf import ops
from gfla_tf.models import PersonImageGenerator

PRESETS = ("fashion", "market")
STRIDE = 32  # image sizes are multiples of it
NATIVE, FUSED, CONVOLUTION = "native", "tf", "convolution"

# Parts of the network: an operator belongs to the first one whose word is in its name or kind.
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
    """Times of complete images."""
    rows = []
    for name in PRESETS:
        model, inputs = new_network(name, args.shrink)
        graphs = {impl: image_call(model, inputs, impl) for impl in _implementations()}
        operations = required_operations(model, inputs)
        times = alternate({**graphs, CONVOLUTION: convolution()}, args.rounds)
        rate = OPERATIONS / times[CONVOLUTION].median
        floor = operations / rate
        ratios = [f"{times[one].median / floor:.2f}" if one in times else "–" for one in (NATIVE, FUSED)]
        best = times.get(NATIVE, times[FUSED])
        cells = [f"{operations / 1e9:.1f}", f"{rate / 1e9:.0f}", f"{floor * 1e3:.1f}", milliseconds(best)]
        rows.append([name, *cells, *ratios])
        if name == "fashion" and NATIVE in times:
            share = times[NATIVE].median / floor
            report.target("fashion, batch 1, forward: native / floor", share, "at most", 1.5)
    head = ["batch 1", "GFLOP", "GFLOP / s", "floor, ms", "ms", "native / floor", "TF / floor"]
    report.table("PersonImageGenerator, forward", head, rows)


def break_down(report, args):
    """The time of each kind of operator."""
    for name in PRESETS:
        parts = alone(_parts, name, args.shrink, 3 if args.quick else 10, threads=cores())
        total = sum(seconds for _, seconds in parts.values())
        rows = [
            [part, f"{count:.0f}", f"{seconds * 1e3:.2f}", f"{seconds / total:.1%}"]
            for part, (count, seconds) in sorted(parts.items(), key=lambda item: -item[1][1])
        ]
        report.table(f"{name}, forward: by operators", ["", "operators", "ms", "share"], rows)


def _implementations():
    """The available implementations of local attention."""
    return (NATIVE, FUSED) if ops.native_available() else (FUSED,)


def new_network(name, shrink):
    """(a network with random weights, its inputs)."""
    model = PersonImageGenerator.from_preset(name, load_weights=False)
    height, width = (max(STRIDE, size // shrink) for size in model.image_size)
    pose = tf.random.stateless_uniform([1, height, width, 18], [0, 1])
    return model, (tf.random.stateless_uniform([1, height, width, 3], [0, 2], -1, 1), pose, pose[:, ::-1])


def image_call(model, inputs, impl):
    """A function without arguments that generates one image."""
    for layer in model.target_image_generator.attention:
        layer.impl = impl
    return forward(lambda *inputs: image_of(model, inputs), inputs)


def image_of(model, inputs):
    """The image of the inputs of `new_network`."""
    return model(dict(zip(("source_image", "source_pose", "target_pose"), inputs, strict=True)))["image"]


def required_operations(model, inputs):
    """Additions and multiplications in the convolutions that the method requires."""
    graph = tf.function(lambda *inputs: image_of(model, inputs)).get_concrete_function(*inputs).graph
    return convolution_operations(graph) - border_operations(model, *inputs[0].shape[1:3])


def border_operations(model, height, width):
    """Additions and multiplications of `LocalAttention` outside the map, not required by the method."""
    total = 0
    for layer, attention in zip(model.attention_layers, model.target_image_generator.attention, strict=True):
        rows, columns, radius = height >> layer, width >> layer, attention.kernel_size // 2
        beyond = (rows + 2 * radius) * (columns + 2 * radius) - rows * columns
        total += beyond * attention.hidden_kernel.shape.num_elements()  # 2 * half of the kernel's weights
    return total


def _parts(name, shrink, calls):
    """{part: (number of operators, seconds) per image}."""
    model, inputs = new_network(name, shrink)
    call = image_call(model, inputs, _implementations()[0])
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
