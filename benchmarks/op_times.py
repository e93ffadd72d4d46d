"""Times of the operators in a graph, from TensorFlow's profiler, and the operations of its convolutions."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2


def operator_seconds(call, calls: int = 10) -> dict[tuple[str, str], tuple[float, float]]:
    """Profiles calls of a graph on the CPU.

    Args:
      call: a function without arguments that runs a graph. It must have run before.
      calls: number of profiled calls.

    Returns:
      {(name, kind): (executions per call, seconds per call)} of every operator.
    """
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(calls):
                call()
        trace = xplane_pb2.XSpace()
        for path in Path(folder).rglob("*.xplane.pb"):
            trace.MergeFromString(path.read_bytes())
    count, total = Counter(), Counter()
    for plane in trace.planes:
        executors = (line for line in plane.lines if line.name.startswith("tf_Compute"))
        for event in (event for line in executors for event in line.events):
            name, separator, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
            if separator and not name.endswith(":"):  # "name:Kind" is an operator, "A::B" the executor
                count[name, kind] += 1
                total[name, kind] += event.duration_ps * 1e-12
    return {key: (count[key] / calls, total[key] / calls) for key in total}


def convolution_operations(graph) -> int:
    """Additions and multiplications in the convolutions of a function's graph; see `convolutions`."""
    return sum(convolutions(graph, graph.outputs).values())


def convolutions(graph, outputs) -> dict[tuple[str, str], int]:
    """Returns {(name, kind): additions and multiplications} of the convolutions that a graph computes.

    Every weight is used once at every position of the output. In transposed convolutions, and in gradients
    of the input and of the weights, it is used at every position of the given feature map or gradient.
    Operators on which no result depends, such as unused gradients, are not counted.

    Args:
      graph: a `tf.Graph` with static shapes.
      outputs: the tensors that are its results.
    """
    found = {}
    for one in _used(graph, outputs):
        if one.type == "Conv2D":
            kernel, locations = one.inputs[1], one.outputs[0]
        elif one.type == "Conv2DBackpropInput":
            kernel, locations = one.inputs[1], one.inputs[2]
        elif one.type == "Conv2DBackpropFilter":
            kernel, locations = one.outputs[0], one.inputs[2]
        else:
            continue
        found[one.name, one.type] = 2 * kernel.shape.num_elements() * locations.shape[:-1].num_elements()
    return found


def _used(graph, outputs):
    """The operators that the results or operators with side effects depend on."""
    effects = [one for one in graph.get_operations() if one.op_def is not None and one.op_def.is_stateful]
    waiting = [tensor.op for tensor in outputs] + effects
    used = {}
    while waiting:
        one = waiting.pop()
        if one.name not in used:
            used[one.name] = one
            waiting += [tensor.op for tensor in one.inputs] + list(one.control_inputs)
    return used.values()
