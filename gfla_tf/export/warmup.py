"""Requests that TensorFlow Serving runs when it loads the model, so that nobody's first request has to wait.

It looks for them in `assets.extra/tf_serving_warmup_requests`, TFRecords of its message `PredictionLog`. The
few messages that this takes are declared here, with its field numbers, as its package of protos would be a
dependency for this alone.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from gfla_tf.images.io import encode_image

FILE = "assets.extra/tf_serving_warmup_requests"
MOST = 1000
"""Records that TensorFlow Serving takes."""

_MESSAGES = {  # name: (field, number, type, repeated); a tensor is kept as the bytes of its own message
    "ModelSpec": [("signature_name", 3, "string", False)],
    "Input": [("key", 1, "string", False), ("value", 2, "bytes", False)],
    "PredictRequest": [("model_spec", 1, "ModelSpec", False), ("inputs", 2, "Input", True)],
    "PredictLog": [("request", 1, "PredictRequest", False)],
    "PredictionLog": [("predict_log", 6, "PredictLog", False)],
}
_PACKAGE = "gfla_tf.warmup"


def warmup_requests(specs: dict, size: tuple[int, int]) -> list[tuple[str, dict]]:
    """Small requests for every signature: (signature, {field: array or TensorProto}).

    Args:
      specs: {signature: {field: tf.TensorSpec}}, as the model declares them.
      size: (H, W), the model's frame.
    """
    requests = []
    for ending, scale in ((".jpg", 3), (".png", 1)):
        height, width = (side * scale + 1 for side in size)
        photo = _photo(height, width)
        requests += [
            (name, _fill(specs[name], photo, encode_image(f"a{ending}", photo)))
            for name in ("serving_default", "sized", "encode_source")
        ]
    photo = _photo(*size)
    return requests + [(name, _fill(specs[name], photo, b"")) for name in ("tensors", "render")]


def write_warmup(path, requests: list[tuple[str, dict]]) -> None:
    """Writes requests as TensorFlow Serving reads them.

    Raises:
      ValueError: more than it takes.
    """
    if len(requests) > MOST:
        raise ValueError(f"at most {MOST} warm-up requests are read, got {len(requests)}")
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests:
            log = _messages()["PredictionLog"]()
            log.predict_log.request.model_spec.signature_name = signature
            for field, value in inputs.items():
                tensor = tf.make_tensor_proto(value) if isinstance(value, np.ndarray) else value
                log.predict_log.request.inputs.add(key=field, value=tensor.SerializeToString())
            writer.write(log.SerializeToString())


def _fill(specs, photo, encoded):
    """A row for every field: the photograph, a pose that stands in it, its size; otherwise zeros."""
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
    """A message that names its only value once."""
    field = "float_val" if dtype == tf.float32 else "int_val"
    shape = tf.TensorShape(shape).as_proto()
    return tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=shape, **{field: [0]})


def _photo(height, width):
    """A smooth picture, uint8 RGB [height, width, 3]."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, 255 - x * 127 // width], -1).astype(np.uint8)


@functools.cache
def _messages():
    """{name: message class}, in a pool of their own: the real ones may be loaded too."""
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
