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
    """Additions and multiplications in the convolutions of a `tf.Graph` with static shapes.

    Every weight is used once at every position of the output, or, in transposed convolutions, of the input.
    """
    total = 0
    for one in graph.get_operations():
        if one.type in ("Conv2D", "Conv2DBackpropInput"):
            locations = one.outputs[0] if one.type == "Conv2D" else one.inputs[2]
            total += 2 * one.inputs[1].shape.num_elements() * locations.shape[:-1].num_elements()
    return total
