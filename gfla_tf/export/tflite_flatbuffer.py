"""What is inside a TFLite file: operators, the convolutions behind an output, weights in half precision."""

from __future__ import annotations

from collections import Counter

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

KEPT_SHARE = 1 / 5
"""Of all weights, how many `halve_weights` leaves in float32: the smallest tensors, as many as fit.

Each convolution adds an error of its own, however few its weights are, and more than half of them are small:
keeping these costs a fifth of the saving and brings the picture of `fashion` from 9e-3 to 3e-3 of the float32
one.
"""

_CONVOLUTIONS = ("CONV_2D", "TRANSPOSE_CONV")


def operators(content: bytes) -> Counter:
    """How often the file uses each operator; those that are not TFLite's own as "CUSTOM name"."""
    model = _read(content)
    return Counter(_name(model, one) for graph in model.subgraphs for one in graph.operators)


def foreign_operators(content: bytes) -> list[str]:
    """The names of operators that are not TFLite's own: custom ones, and TensorFlow's ("Flex...")."""
    return sorted(name.removeprefix("CUSTOM ") for name in operators(content) if name.startswith("CUSTOM"))


def heads(content: bytes) -> list[str]:
    """The names of the tensors that the last convolutions before the outputs make."""
    model = _read(content)
    (signature,), graph = model.signatureDefs, model.subgraphs[0]
    made_by = {tensor: one for one in graph.operators for tensor in one.outputs}
    found = []
    for output in signature.outputs:
        tensor = output.tensorIndex
        while _name(model, made_by[tensor]) not in _CONVOLUTIONS:
            tensor = made_by[tensor].inputs[0]
        found.append(graph.tensors[tensor].name.decode())
    return found


def halve_weights(content: bytes) -> bytes:
    """A float32 file with its weights in float16, but the smallest tensors; loading it widens them.

    Everything is still computed in float32, or in float16 by an accelerator that prefers that.
    """
    model = _read(content)
    graph = model.subgraphs[0]
    tensors = {}  # by their buffer, which several may share
    for index, tensor in enumerate(graph.tensors):
        if _is_weight(model, tensor):
            tensors.setdefault(tensor.buffer, []).append(index)
    sizes = {number: len(model.buffers[number].data) // 4 for number in tensors}
    order = sorted(sizes, key=sizes.get)
    kept = np.cumsum([sizes[number] for number in order]) <= KEPT_SHARE * sum(sizes.values())
    widened = {}
    for number, keep in zip(order, kept, strict=True):
        if not keep:
            values = np.asarray(model.buffers[number].data, np.uint8).view("<f4")
            model.buffers[number].data = values.astype("<f2").view(np.uint8)
            widened.update({index: _halve(graph, index) for index in tensors[number]})
    for one in graph.operators:
        one.inputs = [widened.get(index, index) for index in one.inputs]
    graph.operators = [*_widening(model, widened), *graph.operators]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _halve(graph, index):
    """Declares a weight float16, and returns the number of the float32 tensor that it is widened to."""
    half, wide = graph.tensors[index], schema.TensorT()
    wide.name, wide.shape = half.name + b"_float32", half.shape
    wide.type, wide.buffer = schema.TensorType.FLOAT32, 0  # buffer 0 is the empty one
    half.type = schema.TensorType.FLOAT16
    graph.tensors.append(wide)
    return len(graph.tensors) - 1


def _widening(model, widened):
    """The operators that widen, {half: wide}; their kind is entered in the model."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 3  # the first that takes float16
    model.operatorCodes.append(code)
    for half, wide in widened.items():
        one = schema.OperatorT()
        one.opcodeIndex = len(model.operatorCodes) - 1
        one.inputs, one.outputs = [half], [wide]
        one.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
        one.builtinOptions = schema.DequantizeOptionsT()
        yield one


def _is_weight(model, tensor):
    data = model.buffers[tensor.buffer].data
    return tensor.type == schema.TensorType.FLOAT32 and data is not None and len(data) > 4


def _name(model, operator):
    code = model.operatorCodes[operator.opcodeIndex]
    if code.customCode is not None:
        return f"CUSTOM {code.customCode.decode()}"
    return flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)


def _read(content):
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
