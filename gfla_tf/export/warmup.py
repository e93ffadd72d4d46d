"""Warm-up requests that TensorFlow Serving runs when it loads the model.

TensorFlow Serving reads them from `assets.extra/tf_serving_warmup_requests`, a TFRecord file of
`PredictionLog` messages. The few messages needed are declared here with TensorFlow Serving's field numbers,
which avoids a dependency on its package of protocol buffers.
"""

from __future__ import annotations

import functools
import os

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from gfla_tf.images.io import encode_image

FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000
"""The largest number of records that TensorFlow Serving accepts."""

# {message: (field, number, type, repeated)}; a tensor is stored as the bytes of its serialized message.
_MESSAGES = {
    "ModelSpec": [("signature_name", 3, "string", False)],
    "Input": [("key", 1, "string", False), ("value", 2, "bytes", False)],
    "PredictRequest": [("model_spec", 1, "ModelSpec", False), ("inputs", 2, "Input", True)],
    "PredictLog": [("request", 1, "PredictRequest", False)],
    "PredictionLog": [("predict_log", 6, "PredictLog", False)],
}
_PACKAGE = "gfla_tf.warmup"


Request = tuple[str, dict[str, np.ndarray | tensor_pb2.TensorProto]]
"""(signature, {field: value})."""


def warmup_requests(specs: dict[str, dict[str, tf.TensorSpec]], size: tuple[int, int]) -> list[Request]:
    """Returns small requests for every signature.

    Args:
      specs: {signature: {field: tf.TensorSpec}}.
      size: (H, W) of the export.
    """
    requests = []
    for extension, scale in ((".jpg", 3), (".png", 1)):
        height, width = (side * scale + 1 for side in size)
        photo = _photo(height, width)
        requests += [
            (name, _fill(specs[name], photo, encode_image(f"a{extension}", photo)))
            for name in ("serving_default", "sized", "encode_source")
        ]
    photo = _photo(*size)
    return requests + [(name, _fill(specs[name], photo, b"")) for name in ("tensors", "render")]


def write_warmup(path: str | os.PathLike, requests: list[Request]) -> None:
    """Writes requests to a TFRecord file of `PredictionLog` messages.

    Raises:
      ValueError: There are more than `MAX_RECORDS` requests.
    """
    if len(requests) > MAX_RECORDS:
        raise ValueError(f"at most {MAX_RECORDS} warm-up requests are supported, got {len(requests)}")
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests:
            log = _messages()["PredictionLog"]()
            log.predict_log.request.model_spec.signature_name = signature
            for field, value in inputs.items():
                tensor = tf.make_tensor_proto(value) if isinstance(value, np.ndarray) else value
                log.predict_log.request.inputs.add(key=field, value=tensor.SerializeToString())
            writer.write(log.SerializeToString())


def _fill(specs, photo, encoded):
    """Returns one row for every field: the photo, a pose inside it, and its size; zeros otherwise."""
    sides = np.array(photo.shape[:2], np.int32)
    values = {}
    for field, spec in specs.items():
        if field.endswith("_bytes"):
            values[field] = np.array([encoded], object)
        elif field.endswith("_keypoints"):
            grid = np.stack(np.meshgrid(range(1, 7), range(1, 4), indexing="ij"), -1).reshape(1, 18, 2)
            values[field] = (grid * sides / (7, 4)).astype(np.float32)
        elif field.endswith("_size"):
            values[field] = sides[None]
        else:
            shape = [1, *(side or sides[axis] for axis, side in enumerate(spec.shape[1:]))]
            values[field] = _zeros(shape, spec.dtype)
    return values


def _zeros(shape, dtype):
    """Returns a tensor message of zeros that stores the value only once."""
    field = "float_val" if dtype == tf.float32 else "int_val"
    shape = tf.TensorShape(shape).as_proto()
    return tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=shape, **{field: [0]})


def _photo(height, width):
    """Returns a smooth test image, uint8 RGB [height, width, 3]."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, 255 - x * 127 // width], -1).astype(np.uint8)


@functools.cache
def _messages():
    """Returns {name: message class} from a separate pool, since TensorFlow Serving's own may be loaded."""
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="warmup.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
            entry = message.field.add(name=field, number=number, label=label)
            if kind in _MESSAGES:
                entry.type, entry.type_name = types.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                entry.type = {"string": types.TYPE_STRING, "bytes": types.TYPE_BYTES}[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }
