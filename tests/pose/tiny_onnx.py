"""Small ONNX files written byte by byte, so that tests need no package to make them.

The fields are those of onnx.proto: a message is its fields, each a key (number << 3 | wire type) and a value.
"""

import struct

import numpy as np

FLOAT, INT64, FLOAT16 = 1, 7, 10
_TYPES = {np.dtype("float32"): FLOAT, np.dtype("int64"): INT64, np.dtype("float16"): FLOAT16}


def _varint(value: int) -> bytes:
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def _field(number: int, value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def tensor(name: str, value: np.ndarray) -> bytes:
    """A TensorProto."""
    dims = b"".join(_field(1, side) for side in value.shape)
    return dims + _field(2, _TYPES[value.dtype]) + _field(8, name) + _field(9, value.tobytes())


def value_info(name: str, shape, kind: int = FLOAT) -> bytes:
    """A ValueInfoProto; a side that is a string is one of any length."""
    sides = [_field(2, side) if isinstance(side, str) else _field(1, side) for side in shape]
    dims = b"".join(_field(1, side) for side in sides)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def node(operator: str, inputs, outputs, **attributes) -> bytes:
    """A NodeProto; attributes are integers, or lists of integers."""
    data = b"".join(_field(1, name) for name in inputs) + b"".join(_field(2, name) for name in outputs)
    data += _field(4, operator)
    for name, value in attributes.items():
        if isinstance(value, int):
            data += _field(5, _field(1, name) + _field(3, value) + _field(20, 2))
        else:
            data += _field(5, _field(1, name) + b"".join(_field(8, one) for one in value) + _field(20, 7))
    return data


def model(nodes, constants, inputs, outputs) -> bytes:
    """A ModelProto of opset 13."""
    graph = b"".join(_field(1, one) for one in nodes) + _field(2, "graph")
    graph += b"".join(_field(5, one) for one in constants)
    graph += b"".join(_field(11, one) for one in inputs) + b"".join(_field(12, one) for one in outputs)
    return _field(1, 7) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))
