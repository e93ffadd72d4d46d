"""The warm-up file, parsed as wire format with the field numbers of TensorFlow Serving's PredictionLog."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from gfla_tf.export.warmup import MAX_RECORDS, warmup_requests, write_warmup
from gfla_tf.images.io import decode_image

POINTS = tf.TensorSpec([None, 18, 2], tf.float32)
PHOTOS = {"source_bytes": tf.TensorSpec([None], tf.string), "source_keypoints": POINTS}
SIZE = tf.TensorSpec([None, 2], tf.int32)
SPECS = {
    "serving_default": {**PHOTOS, "target_keypoints": POINTS},
    "sized": {**PHOTOS, "target_keypoints": POINTS, "source_size": SIZE, "target_size": SIZE},
    "encode_source": PHOTOS,
    "tensors": {"source_image": tf.TensorSpec([None, None, None, 3], tf.float32)},
    "render": {"encoded_feature_0": tf.TensorSpec([None, 8, 8, 64], tf.float32), "encoded_size": SIZE},
}


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at


def _fields(data):
    """Returns [(number, bytes)] of a message with length-delimited fields only."""
    found, at = [], 0
    while at < len(data):
        key, at = _varint(data, at)
        assert key & 7 == 2
        length, at = _varint(data, at)
        found.append((key >> 3, data[at : at + length]))
        at += length
    return found


def _read(path):
    for record in tf.data.TFRecordDataset(str(path)):
        ((predict_log, body),) = _fields(record.numpy())
        ((request, body),) = _fields(body)
        assert (predict_log, request) == (6, 1)
        fields = _fields(body)
        ((signature_name, name),) = _fields(next(value for number, value in fields if number == 1))
        assert signature_name == 3
        inputs = [dict(_fields(value)) for number, value in fields if number == 2]
        tensors = {one[1].decode(): tensor_pb2.TensorProto.FromString(one[2]) for one in inputs}
        yield name.decode(), {field: tf.make_ndarray(value) for field, value in tensors.items()}


def test_requests_have_all_fields_of_every_signature(tmp_path):
    write_warmup(tmp_path / "requests", warmup_requests(SPECS, (64, 48)))
    requests = list(_read(tmp_path / "requests"))
    assert {name for name, _ in requests} == set(SPECS)
    for name, inputs in requests:
        assert set(inputs) == set(SPECS[name])
        for field, value in inputs.items():
            spec = SPECS[name][field]
            assert spec.shape.is_compatible_with(value.shape)
            assert value.dtype == spec.dtype.as_numpy_dtype
            assert len(value) == 1
        if "source_bytes" in inputs:
            size = decode_image(inputs["source_bytes"][0]).shape[:2]
            assert ((inputs["source_keypoints"] > 0) & (inputs["source_keypoints"] < size)).all()
    assert (tmp_path / "requests").stat().st_size < 100_000


def test_too_many_requests(tmp_path):
    one = ("encode_source", {"source_keypoints": np.zeros((1, 18, 2), np.float32)})
    with pytest.raises(ValueError, match=f"at most {MAX_RECORDS} warm-up requests"):
        write_warmup(tmp_path / "requests", [one] * (MAX_RECORDS + 1))
    assert not (tmp_path / "requests").exists()
